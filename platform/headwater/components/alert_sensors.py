"""Sensors that tell people: of a drift once a verdict, and of failed runs. Off until switched on."""

from collections.abc import Iterator

import dagster as dg

from headwater.components.jobs import job_name
from headwater.components.resource import Headwater
from headwater.monitor.alerts import VARIABLE, Message, drift_message, send
from headwater.versions.verdicts import newest_at

SECONDS = 60


def alert_sensors(product: str, *, on_drift: bool, on_failure: bool) -> list[dg.SensorDefinition]:
    """The sensors that were asked for."""
    return [
        *([_drift_alert(product)] if on_drift else []),
        *([_failure_alert(product)] if on_failure else []),
    ]


def _drift_alert(product: str) -> dg.SensorDefinition:
    """Its cursor is the window that it last told of. A message that failed is sent at the next tick again."""

    @dg.sensor(
        name=f"{product}_drift_alert",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Tells the addresses of {VARIABLE} of a drift, once a verdict.",
    )
    def sensor(context: dg.SensorEvaluationContext, headwater: Headwater) -> dg.SkipReason:
        settings = headwater.settings()
        state = newest_at(settings.open_lake(), settings.branch, product)
        message = drift_message(product, state)
        if message is None:
            return dg.SkipReason(f"no drift in {state.window or 'any window'}")
        if context.cursor == state.window:
            return dg.SkipReason(f"{state.window} was told already")
        if not send(message):
            return dg.SkipReason(f"{message.title}; {VARIABLE} names nobody to tell")
        context.update_cursor(state.window)
        return dg.SkipReason(f"told: {message.title}")

    return sensor


def _failure_alert(product: str) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name=f"{product}_failure_alert",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Tells the addresses of {VARIABLE} of a failed run of {product}.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> Iterator[dg.SkipReason]:
        run = context.dagster_run
        if not _concerns(run, product):
            yield dg.SkipReason(f"run {run.run_id} is not of {product}")
            return
        title = f"{product}: run {run.run_id[:8]} failed"
        steps = [f"{event.step_key}: {_reason(event)}" for event in context.get_step_failure_events()]
        body = "\n".join(
            [f"job {run.job_name}, run {run.run_id}", *steps, context.failure_event.message or ""]
        )
        if not send(Message(title, body)):
            yield dg.SkipReason(f"{title}; {VARIABLE} names nobody to tell")

    return sensor


def _concerns(run: dg.DagsterRun, product: str) -> bool:
    selected = run.asset_selection or ()
    return run.job_name == job_name(product) or any(key.path[0] == product for key in selected)


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error.cause or data.error if data.error is not None else None
    return f"{error.cls_name}: {error.message.strip().rpartition(': ')[2]}" if error else "failed"
