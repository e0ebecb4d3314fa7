/** The predictions tab: the latest forecast, how forecasts turned out, and which model is to be believed. */
import { ask } from './api.js'
import { chip, colour, el, empty, faded, fill, panel, panelWith, table } from './dom.js'
import { count, fixed, moment, percent, price } from './format.js'
import { page } from './page.js'
import { lines } from './plot.js'
import { go, view } from './state.js'
import { t } from './words.js'

const DAYS = 8 * 86400000
/** Fewer scores than this say nothing yet. */
const FEWEST = 5
const WORST_SHOWN = -1
const HORIZONS = [1, 3, 6, 12, 24]

export default class Predictions {
  constructor(root) {
    this.root = root
    this.horizon = 1
    this.load()
    this.timer = setInterval(() => this.load(), 60000)
  }

  changed() { this.load() }
  paint() { this.load() }
  markets() { if (!this.shown) this.load() }
  close() { clearInterval(this.timer) }

  async load() {
    const market = { symbol: view.symbol, venue: view.venue }, nothing = { data: [], meta: {} }
    const start = Date.now() - DAYS
    const [latest, performance, champions, scores, candles, past] = await Promise.all([
      ask('/api/v1/forecast', market).catch((error) => ({ ...nothing, reason: error.message })),
      ask('/api/v1/prediction-performance', { ...market, start, limit: 5000 }).catch(() => nothing),
      ask('/api/v1/champions', { limit: 100 }).catch(() => nothing),
      ask('/api/v1/prediction-metrics', { ...market, start, limit: 20000 }).catch(() => nothing),
      ask('/api/v1/candles', { ...market, interval: '1h', limit: 72, fields: 'window_start,window_end,close' }).catch(() => nothing),
      ask('/api/v1/forecast-history', { ...market, horizon: this.horizon, hours: 72 }).catch(() => nothing),
    ])
    this.shown = true
    fill(this.root, this.picker(), this.cards(latest, scores.data), panelWith(t('fan'), t('fanHint'), this.fan(latest, candles.data)), this.past(past),
      el('div', { class: 'two' }, panelWith(t('skill'), t('skillHint'), this.skill(performance.data, scores.data)), panelWith(t('coverage'), '', this.coverage(performance.data, scores.data))),
      el('div', { class: 'two' }, panel(t('history'), this.history(scores.data)), panel(t('champion'), this.champion(champions.data))))
  }

  picker() {
    return el('div', { class: 'seg', role: 'group' }, page.markets.map((m) => el('button', { 'aria-pressed': String(m.symbol === view.symbol && m.venue === view.venue), onclick: () => go({ symbol: m.symbol, venue: m.venue }) }, m.symbol, ' ', el('small', { class: 'soft', text: m.venue }))))
  }

  cards(latest, scores) {
    const day = latest.data.at(-1), inside = scores.filter((s) => s.model === latest.model && s.is_in_80 !== null && s.is_in_80 !== undefined)
    const hit = inside.length ? percent(100 * inside.filter((s) => s.is_in_80).length / inside.length).replace('+', '') : '–'
    const card = (word, value, note = '') => el('div', { class: 'panel card' }, el('small', { text: word }), el('b', { text: value }), el('span', { text: note }))
    return el('div', { class: 'cards' }, card(t('issued'), latest.data[0] ? moment(latest.data[0].issued_time) : '–', latest.data[0]?.version ?? t('forecastNone')),
      card(t('model'), latest.model ?? '–', day ? day.status : ''), card(`${t('median')}, 24 ${t('hours')}`, price(day?.predicted_price), day ? `${price(day.p10)} – ${price(day.p90)}` : ''),
      card(t('scored'), count(scores.length), ''), card(t('inside80short'), hit, latest.model ? `${latest.model} · ${count(inside.length)} ${t('outcomes').toLowerCase()}` : ''))
  }

  /** Pixels of a plot of which so many stand side by side. */
  width(count) { return Math.max(300, this.root.clientWidth / (this.root.clientWidth > 1000 ? count : 1) - 70) }

  fan(latest, candles) {
    if (!latest.data.length) return empty(t('forecastNone'), t('forecastWhy'))
    const first = latest.data[0], origin = { x: first.issued_time, y: first.last_price }
    const curve = (name, other) => [origin, ...latest.data.map((r) => ({ x: r.target_time, y: r[name] ?? r[other] }))]
    const past = candles.filter((c) => c.close !== null && c.window_end <= first.issued_time).map((c) => ({ x: c.window_end, y: Number(c.close) }))
    return lines({
      bands: [{ low: curve('p02_5', 'p10'), high: curve('p97_5', 'p90'), fill: faded('fan', 0.14) }, { low: curve('p10'), high: curve('p90'), fill: faded('fan', 0.24) }],
      series: [{ points: past, stroke: colour('text') }, { points: curve('p50', 'predicted_price'), stroke: colour('fan') }], x: 'time', y: price, height: 320, width: this.width(1), label: t('fan'),
    })
  }

  /** What was forecast for each past hour, beside what came; misses are marked. */
  past({ data }) {
    const choose = (horizon) => () => { this.horizon = horizon; this.load() }
    const seg = el('div', { class: 'seg', role: 'group', 'aria-label': t('horizon') }, HORIZONS.map((h) => el('button', { 'aria-pressed': String(h === this.horizon), 'data-horizon': h, onclick: choose(h), text: `${h} ${t('hours')}` })))
    const made = panelWith(t('fanHistory'), t('fanHistoryHint'), data.length > 1 ? this.ribbon(data) : empty(t('forecastNone'), t('fanHistoryWhy')))
    made.id = 'fan-history'
    made.firstChild.append(seg)
    return made
  }

  ribbon(data) {
    const curve = (name, other) => data.map((r) => ({ x: r.target_time, y: r[name] ?? r[other] })), came = data.filter((r) => r.actual_price !== null)
    const judged = came.filter((r) => r.is_in_80 !== null), held = judged.filter((r) => r.is_in_80).length
    const plot = lines({
      bands: [{ low: curve('p02_5', 'p10'), high: curve('p97_5', 'p90'), fill: faded('fan', 0.14) }, { low: curve('p10'), high: curve('p90'), fill: faded('fan', 0.24) }],
      series: [{ points: curve('p50', 'predicted_price'), stroke: colour('fan') }, { points: came.map((r) => ({ x: r.target_time, y: r.actual_price })), stroke: colour('text') }],
      dots: judged.map((r) => ({ x: r.target_time, y: r.actual_price, fill: colour(r.is_in_80 ? 'text' : 'bad') })), x: 'time', y: price, height: 260, width: this.width(1), label: t('fanHistory'),
    })
    return el('div', {}, plot, el('div', { class: 'foot' }, el('span', {}, el('b', { text: `${held} / ${judged.length}` }), ` ${t('inside80')}`)))
  }

  /** Too few outcomes to say anything of a model. */
  few(scores) { return scores.length ? empty(t('scoresFew', count(scores.length)), t('scoresFewWhy', FEWEST)) : empty(t('scoresNone'), t('scoresWhy')) }

  skill(performance, scores) {
    const models = performance.length ? newest(performance) : measured(scores)
    if (!models.length) return this.few(scores)
    const names = [...new Set(models.map((r) => r.model))].filter((name) => name !== 'last_price'), colours = ['fan', 'accent', 'warn', 'up', 'down', 'soft']
    const series = names.map((name, i) => ({ name, stroke: colour(colours[i % 6]), points: models.filter((r) => r.model === name && r.skill !== null).map((r) => ({ x: r.horizon, y: Math.max(WORST_SHOWN, r.skill) })) }))
    return el('div', {}, lines({ series, x: 'horizon', y: (v) => fixed(v, 2), zero: true, width: this.width(2), label: t('skill') }), el('div', { class: 'foot key' }, series.map((s) => el('span', {}, swatch(s.stroke), s.name))))
  }

  coverage(performance, scores) {
    const rows = performance.length ? newest(performance) : measured(scores, (s) => s.model)
    const names = [...new Set(rows.filter((r) => r.coverage_80 !== null && r.coverage_80 !== undefined).map((r) => r.model))]
    if (!names.length) return this.few(scores)
    const mean = (name, key) => { const found = rows.filter((r) => r.model === name && r[key] !== null); return found.reduce((sum, r) => sum + r[key] * (r.forecasts || 1), 0) / found.reduce((sum, r) => sum + (r.forecasts || 1), 0) }
    const total = (name) => rows.filter((r) => r.model === name).reduce((sum, r) => sum + (r.forecasts || 1), 0)
    const share = (v) => (Number.isFinite(v) ? `${fixed(100 * v, 1)} %` : '–')
    return el('div', { class: 'scroll' }, table([t('model'), '#50 %', '#80 %', '#90 %', '#95 %', `#${t('outcomes')}`], names.map((name) => [name, ...[50, 80, 90, 95].map((level) => share(mean(name, `coverage_${level}`))), count(total(name))])))
  }

  history(scores) {
    if (!scores.length) return empty(t('scoresNone'), t('scoresWhy'))
    const rows = scores.slice(-300).toReversed()
    const word = (s) => (s.is_in_80 === null ? '–' : s.is_in_80 ? chip('80 %', 'proven') : s.is_in_95 ? chip('95 %', 'warn') : chip('> 95 %', 'differs'))
    return el('div', { class: 'scroll' }, table([t('target'), t('model'), `#${t('horizon')}`, `#${t('median')}`, `#${t('price')}`, ''], rows.map((s) => [el('span', { class: 'nowrap', text: moment(s.target_time) }), s.model, s.horizon, price(s.predicted_price), price(s.actual_price), word(s)])))
  }

  champion(champions) {
    if (!champions.length) return empty(t('scoresNone'), t('forecastWhy'))
    return el('div', { class: 'scroll' }, table([t('time'), '', t('horizon'), t('champion'), t('detail')], champions.slice(-12).toReversed().map((c) => [moment(c.day_start).slice(0, 10), c.task, c.band, el('b', { text: c.champion }), el('span', { class: 'soft wrap', lang: 'en', text: c.decision })])))
  }
}

const swatch = (stroke) => { const made = el('i'); made.style.background = stroke; return made }

/** Rows of the newest day. */
function newest(rows) {
  const day = Math.max(...rows.map((r) => r.day_start))
  return rows.filter((r) => r.day_start === day)
}

/** Scores by model and horizon, until a day of them is on record. */
function measured(scores, by = (s) => `${s.model} ${s.horizon}`) {
  const groups = Map.groupBy(scores.filter((s) => s.squared_error !== null && s.last_price_squared_error), by)
  const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0)
  const share = (rows, key) => (rows.some((r) => r[key] !== null) ? rows.filter((r) => r[key]).length / rows.length : null)
  return [...groups.values()].filter((rows) => rows.length >= FEWEST).map((rows) => ({
    model: rows[0].model, horizon: rows[0].horizon, forecasts: rows.length, skill: 1 - sum(rows, 'squared_error') / sum(rows, 'last_price_squared_error'),
    coverage_50: share(rows, 'is_in_50'), coverage_80: share(rows, 'is_in_80'), coverage_90: share(rows, 'is_in_90'), coverage_95: share(rows, 'is_in_95'),
  })).sort((a, b) => a.horizon - b.horizon)
}
