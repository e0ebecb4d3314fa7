/** What is drawn behind the candles: stretches nothing is known of, and the bands of a forecast. */

class Behind {
  constructor() {
    const draw = (target) => target.useMediaCoordinateSpace((scope) => this.chart && this.draw(scope))
    this.views = [{ zOrder: () => 'bottom', renderer: () => ({ draw }) }]
  }

  attached({ requestUpdate }) { this.request = requestUpdate }
  paneViews() { return this.views }
  updateAllViews() { /* coordinates are asked for at each drawing */ }
  paint(colours) { this.colours = colours; this.request?.() }
}

/** Hatched stretches with their reason, from the first to the last window without data. */
export class Gaps extends Behind {
  ranges = []

  set(ranges, chart) { this.ranges = ranges; this.chart = chart; this.request?.() }

  draw({ context, mediaSize }) {
    const scale = this.chart.timeScale(), spacing = scale.options().barSpacing / 2
    for (const { from, to, status } of this.ranges) {
      const left = scale.timeToCoordinate(from), right = scale.timeToCoordinate(to)
      if (left === null || right === null || right + spacing < 0 || left - spacing > mediaSize.width) continue
      this.stretch(context, Math.max(left - spacing, -20), Math.min(right + spacing, mediaSize.width + 20), mediaSize.height, status)
    }
  }

  stretch(context, left, right, height, status) {
    context.save()
    context.beginPath()
    context.rect(left, 0, right - left, height)
    context.clip()
    context.fillStyle = this.colours.fill
    context.fillRect(left, 0, right - left, height)
    context.strokeStyle = this.colours.stripe
    context.beginPath()
    for (let x = left - height; x < right; x += 10) { context.moveTo(x, height); context.lineTo(x + height, 0) }
    context.stroke()
    if (right - left > 46) {
      context.fillStyle = this.colours.text
      context.font = '600 11px system-ui, sans-serif'
      context.textAlign = 'center'
      context.fillText(this.name?.(status) ?? status, (left + right) / 2, height - 12)
    }
    context.restore()
  }
}

/** Two bands and a line: values are [p2.5, p10, p50, p90, p97.5]. */
export class Bands extends Behind {
  points = []

  set(points, chart, series) { this.points = points; this.chart = chart; this.series = series; this.request?.() }

  /** A price range that shows the bands too, as far as they are on the screen. */
  widened(own) {
    const visible = this.points.length ? this.chart.timeScale().getVisibleRange() : null
    const seen = visible ? this.points.filter((p) => p.time >= visible.from && p.time <= visible.to) : []
    if (!own?.priceRange || !seen.length) return own
    const { minValue, maxValue } = own.priceRange
    const low = Math.min(minValue, ...seen.map((p) => p.values[0])), high = Math.max(maxValue, ...seen.map((p) => p.values[4]))
    return { ...own, priceRange: { minValue: low, maxValue: high } }
  }

  draw({ context }) {
    const scale = this.chart.timeScale()
    const at = this.points.map((p) => ({ x: scale.timeToCoordinate(p.time), y: p.values.map((value) => this.series.priceToCoordinate(value)) }))
      .filter((p) => p.x !== null && p.y.every((y) => y !== null))
    if (at.length < 2) return
    this.band(context, at, 0, 4, this.colours.wide)
    this.band(context, at, 1, 3, this.colours.narrow)
    context.beginPath()
    for (const p of at) context.lineTo(p.x, p.y[2])
    context.strokeStyle = this.colours.line
    context.lineWidth = 1.5
    context.stroke()
  }

  band(context, at, low, high, fill) {
    context.beginPath()
    for (const p of at) context.lineTo(p.x, p.y[high])
    for (const p of at.toReversed()) context.lineTo(p.x, p.y[low])
    context.closePath()
    context.fillStyle = fill
    context.fill()
  }
}
