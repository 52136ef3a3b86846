"""Draws the chart of scripts/bench: no library, one SVG that reads on light and dark pages."""

import math
import statistics

WIDTH, HEIGHT, COLUMNS = 900, 640, 2
LEFT, RIGHT, TOP, BOTTOM = 62, 58, 42, 44
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #24292f }
.grid { stroke: #d0d7de; stroke-width: 1 }
.rate { stroke: #0969da; fill: none; stroke-width: 2.5 } .rate-dot { fill: #0969da } .rate-text { fill: #0969da }
.band { fill: #0969da; opacity: 0.15 }
.p50 { stroke: #bc4c00; fill: none; stroke-width: 1.5 } .late-text { fill: #bc4c00 }
.p99 { stroke: #bc4c00; fill: none; stroke-width: 1.5; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d } .rate { stroke: #4493f8 } .rate-dot, .rate-text, .band { fill: #4493f8 } .p50, .p99 { stroke: #f0883e } .late-text { fill: #f0883e } }
</style>"""


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def time_of(us):
    return f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"


def round_up(value):
    """The next of 1, 2, 5, 10, …"""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def panel(x, y, label, rows):
    width, height = WIDTH / COLUMNS - LEFT - RIGHT, HEIGHT / 2 - TOP - BOTTOM
    left, top = x + LEFT, y + TOP
    out = [f'<text class="title" x="{left}" y="{y + 20}">{label}</text>']
    if not rows:
        return out
    step = width / max(len(rows) - 1, 1)
    at = [left + step * place for place in range(len(rows))]
    most = round_up(max(max(rates) for _, rates, *_ in rows))
    late = [value for _, _, p50, p99 in rows for value in p50 + p99 if value > 0]
    low, high = math.floor(math.log10(min(late))), math.ceil(math.log10(max(late)))
    high = max(high, low + 1)
    rate_y = lambda value: top + height * (1 - value / most)
    late_y = lambda value: top + height * (1 - (math.log10(max(value, 1)) - low) / (high - low))
    for part in range(5):
        line = top + height * part / 4
        out.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{line:.1f}" y2="{line:.1f}"/>')
        out.append(f'<text class="rate-text" x="{left - 6}" y="{line + 4:.1f}" text-anchor="end">{short(most * (4 - part) / 4)}</text>')
    for power in range(low, high + 1):
        out.append(f'<text class="late-text" x="{left + width + 6}" y="{late_y(10**power) + 4:.1f}">{time_of(10**power)}</text>')
    for place, (value, *_) in zip(at, rows):
        out.append(f'<text x="{place:.1f}" y="{top + height + 18:.1f}" text-anchor="middle">{short(value)}</text>')
    band = [f"{place:.1f},{rate_y(max(rates)):.1f}" for place, (_, rates, *_) in zip(at, rows)]
    band += [f"{place:.1f},{rate_y(min(rates)):.1f}" for place, (_, rates, *_) in reversed(list(zip(at, rows)))]
    out.append(f'<polygon class="band" points="{" ".join(band)}"/>')
    for kind, column, scale in (("p99", 3, late_y), ("p50", 2, late_y), ("rate", 1, rate_y)):
        points = [(place, scale(statistics.median(row[column]))) for place, row in zip(at, rows)]
        out.append(f'<polyline class="{kind}" points="{" ".join(f"{px:.1f},{py:.1f}" for px, py in points)}"/>')
        if kind == "rate":
            out += [f'<circle class="rate-dot" cx="{px:.1f}" cy="{py:.1f}" r="3.5"/>' for px, py in points]
    return out


def draw(panels):
    """`panels`: a label, and rows of value, transfers a second, p50 µs, p99 µs, each of several runs."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 30}" role="img" aria-label="Throughput and latency">', STYLE]
    for place, (label, rows) in enumerate(panels):
        out += panel(WIDTH / COLUMNS * (place % COLUMNS), HEIGHT / 2 * (place // COLUMNS), label, rows)
    y = HEIGHT + 18
    out += [
        f'<line class="rate" x1="62" x2="92" y1="{y - 4}" y2="{y - 4}"/><text x="98" y="{y}">transfers a second, left; the band is the spread</text>',
        f'<line class="p50" x1="420" x2="450" y1="{y - 4}" y2="{y - 4}"/><text x="456" y="{y}">batch latency, median, right</text>',
        f'<line class="p99" x1="660" x2="690" y1="{y - 4}" y2="{y - 4}"/><text x="696" y="{y}">99 of 100, right</text>',
        "</svg>",
    ]
    return "\n".join(out) + "\n"
