"""The look of a report: readable on a screen and on paper, nothing loaded from elsewhere."""

from __future__ import annotations

STYLE = """
:root { --ink: #1e293b; --soft: #64748b; --line: #e2e8f0; --pale: #f8fafc; --good: #2f855a; --bad: #b83232; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef2f6; color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 32px auto; padding: 40px 48px 56px; background: #fff;
  border: 1px solid var(--line); border-radius: 12px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 44px 0 10px; padding-top: 18px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 24px 0 6px; }
p { margin: 8px 0; max-width: 76ch; }
.soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px;
  margin: 22px 0; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; background: var(--pale); }
.card .label { font-size: 12.5px; color: var(--soft); }
.card .value { font-size: 26px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.3; }
.card .note { font-size: 12.5px; color: var(--soft); }
.verdict { margin: 20px 0 0; padding: 12px 16px; border-radius: 10px; border-left: 5px solid;
  font-weight: 600; }
.verdict.good { background: #edf7f1; border-color: var(--good); }
.verdict.bad { background: #fcefee; border-color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 10px 0; font-size: 13.5px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12.5px; white-space: nowrap; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.interval { color: var(--soft); font-size: 12px; }
.good { color: var(--good); } .bad { color: var(--bad); } b.best { color: var(--good); }
.bar { display: inline-block; width: 90px; height: 8px; margin-left: 10px; border-radius: 4px;
  background: var(--line); vertical-align: middle; }
.bar i { display: block; height: 8px; border-radius: 4px; background: #3f8f70; }
figure { margin: 18px 0; } img { max-width: 100%; height: auto; }
figcaption { font-size: 12.5px; color: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 8px 28px;
  align-items: start; }
.sample { border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; margin: 12px 0; }
.sample dt { font-size: 12px; color: var(--soft); margin-top: 6px; } .sample dd, .sample dl { margin: 0; }
code, pre { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { body { background: #fff; } main { border: 0; margin: 0; max-width: none; } }
@media (max-width: 640px) { main { padding: 24px 18px; margin: 0; border-radius: 0; }
  .pair { grid-template-columns: 1fr; } }
"""
