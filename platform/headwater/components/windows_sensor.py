"""The sensor on a product's closed log segments: what was logged becomes windows, and windows are judged."""

import dagster as dg

from headwater.components.resource import Headwater
from headwater.fingerprint import digest_json
from headwater.inference_log.places import Places
from headwater.inference_log.segments import segments


def windows_sensor(product: str, seconds: int) -> dg.SensorDefinition:
    """Requests `inference` and what is made of it once for each set of closed segments."""
    assets = [dg.AssetKey([product, name]) for name in ("inference", "feedback", "drift")]

    @dg.sensor(
        name=f"{product}_windows",
        target=dg.AssetSelection.assets(*assets),
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Takes in closed segments of the inference log and judges the windows they fill.",
    )
    def sensor(context: dg.SensorEvaluationContext, headwater: Headwater) -> dg.RunRequest | dg.SkipReason:
        del context
        closed = Places.of(headwater.settings().home, product).closed
        names = segments(closed)
        if not names:
            return dg.SkipReason(f"no closed segment of {product} waits")
        return dg.RunRequest(
            run_key=f"{product}-{digest_json(names)[:32]}",
            asset_selection=assets,
            tags={"headwater/segments": str(len(names))},
        )

    return sensor
