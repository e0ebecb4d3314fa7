/**
 * The chart: candles, volume, gaps drawn as gaps, the forecast's fan, other venues.
 *
 * The time axis of the library is ordinal, so every series gets the full regular grid; a window without data is a
 * whitespace, and what lies ahead is one too.
 */
import { CandlestickSeries, CrosshairMode, HistogramSeries, LineSeries, LineStyle, createChart } from '/page/vendor/lightweight-charts.js'
import { colour, faded } from './dom.js'
import { Bands, Gaps } from './drawings.js'

const UNKNOWN = new Set(['blind', 'halted', 'absent'])
const LENGTHS = { m: 60, h: 3600, d: 86400, w: 604800 }
const SHOWN_AT_FIRST = 150
const AHEAD_AT_MOST = 400

/** Seconds of an interval; months have none. @param {string} interval */
export const step = (interval) => (interval.endsWith('M') ? 0 : parseInt(interval, 10) * LENGTHS[interval.slice(-1)])
/** Whether a window has no price. */
export const isBare = (row) => row.close === null || row.close === undefined
/** Whether nothing is known of a window. */
export const isGap = (row) => isBare(row) && UNKNOWN.has(row.status)

export class CandleChart {
  /** @param {HTMLElement} host @param {{hover: Function, pick: Function, older: Function}} handlers */
  constructor(host, handlers) {
    this.rows = new Map()
    this.grid = []
    this.points = []
    this.others = []
    this.interval = '1m'
    this.places = 2
    this.chart = createChart(host, this.options())
    this.addSeries()
    this.chart.subscribeCrosshairMove((at) => handlers.hover(at.time ? this.rows.get(at.time) ?? null : null))
    this.chart.subscribeClick((at) => at.time && this.rows.has(at.time) && handlers.pick(this.rows.get(at.time)))
    this.isAtEnd = false
    host.addEventListener('pointerdown', () => { this.isAtEnd = false })
    host.addEventListener('wheel', () => { this.isAtEnd = false }, { passive: true })
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => { if (range && range.from < 20) handlers.older() })
    this.paint()
  }

  addSeries() {
    const quiet = { lastValueVisible: false, priceLineVisible: false }
    this.bands = new Bands()
    this.gaps = new Gaps()
    this.candles = this.chart.addSeries(CandlestickSeries, { autoscaleInfoProvider: (own) => this.bands.widened(own()) })
    this.volume = this.chart.addSeries(HistogramSeries, { priceScaleId: '', priceFormat: { type: 'volume' }, ...quiet })
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } })
    this.ahead = this.chart.addSeries(LineSeries, { visible: false, ...quiet })
    this.candles.attachPrimitive(this.gaps)
    this.candles.attachPrimitive(this.bands)
  }

  options() {
    const line = { color: colour('faint'), style: LineStyle.Dotted, labelBackgroundColor: colour('faint') }
    return {
      autoSize: true,
      layout: { background: { color: 'transparent' }, textColor: colour('soft'), fontSize: 11, fontFamily: getComputedStyle(document.body).fontFamily, attributionLogo: true },
      grid: { vertLines: { color: colour('line-soft') }, horzLines: { color: colour('line-soft') } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.2 } },
      timeScale: { borderColor: colour('line'), timeVisible: true, secondsVisible: false, rightOffset: 6, minBarSpacing: 0.6 },
      crosshair: { mode: CrosshairMode.Normal, vertLine: line, horzLine: line },
    }
  }

  /** Colours anew, after the theme or palette has changed. */
  paint() {
    const up = colour('up'), down = colour('down')
    this.chart.applyOptions(this.options())
    this.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderUpColor: up, borderDownColor: down, priceLineColor: colour('faint') })
    this.gaps.paint({ fill: faded('s-blind', 0.1), stripe: faded('s-blind', 0.3), text: colour('s-blind') })
    this.bands.paint({ wide: faded('fan', 0.14), narrow: faded('fan', 0.22), line: colour('fan') })
    if (this.grid.length) this.draw()
  }

  /** Show these candles. @param {any[]} rows @param {string} interval */
  set(rows, interval) {
    this.interval = interval
    this.rows = new Map(rows.map((row) => [row.window_start / 1000, row]))
    this.places = Math.max(2, ...rows.slice(-60).map((row) => (String(row.close ?? '').split('.')[1] ?? '').length))
    this.candles.applyOptions({ priceFormat: { type: 'price', precision: this.places, minMove: 10 ** -this.places } })
    this.regrid()
    this.draw()
  }

  /** The regular grid from the first window to the last; windows nobody has are rows too, and say so. */
  regrid() {
    const times = [...this.rows.keys()].sort((a, b) => a - b), length = step(this.interval)
    this.grid = length ? [] : times
    for (let at = times[0]; length && at <= times.at(-1); at += length) {
      this.grid.push(at)
      if (!this.rows.has(at)) this.rows.set(at, { window_start: at * 1000, window_end: (at + length) * 1000, close: null, status: 'absent' })
    }
  }

  draw() {
    let held = null
    const bars = [], columns = []
    for (const time of this.grid) {
      const row = this.rows.get(time), bar = this.bar(row, time, held)
      if (!isBare(row)) held = Number(row.close)
      bars.push(bar)
      columns.push(isBare(row) ? { time } : this.column(row, time))
    }
    this.candles.setData(bars)
    this.volume.setData(columns)
    this.gaps.set(this.gapRanges(), this.chart)
    this.drawAhead()
  }

  bar(row, time, held) {
    if (isBare(row)) return isGap(row) || held === null ? { time } : this.calm(time, held)
    const bar = { time, open: Number(row.open), high: Number(row.high), low: Number(row.low), close: Number(row.close) }
    if (row.status === 'venue') bar.color = 'rgba(0, 0, 0, 0)'
    if (row.status === 'repaired') bar.borderColor = bar.wickColor = colour('s-repaired')
    return bar
  }

  /** A window in which nothing was traded, and that is proven: a dash at the last price. */
  calm(time, held) {
    const grey = colour('faint')
    return { time, open: held, high: held, low: held, close: held, color: grey, wickColor: grey, borderColor: grey }
  }

  column(row, time) {
    return { time, value: Number(row.volume ?? 0), color: faded(Number(row.close) >= Number(row.open) ? 'up' : 'down', 0.32) }
  }

  /** Runs of windows nothing is known of. */
  gapRanges() {
    const found = [], length = step(this.interval)
    for (const time of this.grid) {
      const row = this.rows.get(time), last = found.at(-1)
      if (!isGap(row)) continue
      if (last && last.to === time - length && last.status === row.status) last.to = time
      else found.push({ from: time, to: time, status: row.status })
    }
    return found
  }

  /** One candle has come or changed. @param {any} row */
  update(row) {
    const time = row.window_start / 1000, last = this.grid.at(-1), length = step(this.interval) || Infinity
    const isNext = last !== undefined && time > last && time <= last + length
    this.rows.set(time, row)
    if (last === undefined || (!isNext && time !== last)) {
      if (last === undefined || time > last || time > this.grid[0]) { this.regrid(); this.draw() }
      return
    }
    if (isNext) { this.grid.push(time); this.drawAhead() }
    this.candles.update(this.bar(row, time, null))
    this.volume.update(isBare(row) ? { time } : this.column(row, time))
  }

  /** The fan: forecasts by target time, from the last close. @param {{time: number, values: number[]}[]} points */
  setFan(points) {
    const isFirst = !this.points.length && points.length
    this.points = points
    this.drawAhead()
    if (isFirst && this.isAtEnd) this.fit()
  }

  drawAhead() {
    const length = step(this.interval), last = this.grid.at(-1)
    if (!last || !length) return
    const points = this.points.filter((p) => p.time >= this.grid[0])
    const until = points.length ? Math.min(points.at(-1).time, last + length * AHEAD_AT_MOST) : last
    const times = []
    for (let at = last + length; at <= until; at += length) times.push(at)
    this.ahead.setData([...this.grid, ...times].map((time) => ({ time })))
    this.bands.set(points.length > 1 ? onGrid(points, [...this.grid, ...times]) : [], this.chart, this.candles)
  }

  /** Lines of the same asset elsewhere. @param {{name: string, rows: any[]}[]} lines */
  setOthers(lines) {
    for (const series of this.others) this.chart.removeSeries(series)
    const names = ['accent', 'warn', 'soft'], known = new Set(this.grid)
    this.others = lines.map(({ name, rows }, i) => {
      const series = this.chart.addSeries(LineSeries, { color: colour(names[i % 3]), lineWidth: 1, title: name, priceLineVisible: false })
      const inside = rows.filter((row) => known.has(row.window_start / 1000))
      series.setData(inside.map((row) => (isBare(row) ? { time: row.window_start / 1000 } : { time: row.window_start / 1000, value: Number(row.close) })))
      return series
    })
  }

  showVolume(shown) { this.volume.applyOptions({ visible: shown }) }

  /** The newest candles, wide enough to read. */
  fit() {
    const count = this.grid.length, last = this.points.at(-1)?.time ?? 0, length = step(this.interval)
    const ahead = length ? Math.max(8, Math.min(SHOWN_AT_FIRST / 3, (last - this.grid.at(-1)) / length + 2)) : 8
    this.isAtEnd = true
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-2, count - SHOWN_AT_FIRST), to: count + ahead })
  }

  close() { this.chart.remove() }
}

/** Points of another step put on the grid by straight lines between them. */
function onGrid(points, grid) {
  const found = []
  let at = 0
  for (const time of grid) {
    if (time < points[0].time || time > points.at(-1).time) continue
    while (at < points.length - 2 && points[at + 1].time < time) at++
    const a = points[at], b = points[at + 1], share = (time - a.time) / (b.time - a.time)
    found.push({ time, values: a.values.map((value, i) => value + (b.values[i] - value) * share) })
  }
  return found
}
