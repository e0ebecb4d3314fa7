/** The market tab: prices of all markets, the chart of one, its quotes and trades, and the proof of a candle. */
import { ask } from './api.js'
import { CandleChart, isBare, isGap } from './chart.js'
import { chip, el, empty, fill, panel, panelWith, say, table } from './dom.js'
import { amount, clock, count, fixed, moment, percent, price, quantity, seconds, span } from './format.js'
import { notice, page } from './page.js'
import { INTERVALS, go, keep, kept, view } from './state.js'
import { t } from './words.js'

const FIELDS = 'window_start,window_end,open,high,low,close,volume,trade_count,status,revision,missing_ids'
const FIRST = 600
const OLDER = 1000
const TAPE = 40
const UNSETTLED = ['open', 'live_closed', 'absent']
const NEWEST_MS = 3 * 3600000
const FULL_DAY_MS = 23 * 3600000
const STATISTICS = ['change24', 'high24', 'low24', 'volume24', 'trades24']
const market = () => ({ symbol: view.symbol, venue: view.venue })
const isShown = (m) => m.symbol === view.symbol && m.venue === view.venue

export default class Market {
  constructor(root) {
    this.ticked = new Map()
    this.finals = 0
    this.build(root)
    this.chart = new CandleChart(this.host, { hover: (row) => this.hover(row), pick: (row) => this.prove(row), older: () => this.older() })
    this.chart.gaps.name = t
    this.markets(page.markets)
    this.load()
    this.loadQuotes()
    this.timer = setInterval(() => { this.loadFan(); this.loadQuotes() }, 30000)
  }

  build(root) {
    this.watch = el('ul', { class: 'watch' })
    this.venues = el('div', { class: 'scroll' })
    this.movers = el('div', { class: 'scroll' })
    this.assets = el('div', { class: 'scroll' })
    this.quotes = []
    this.name = el('h1')
    this.last = el('div', { class: 'price', id: 'price', text: '–' })
    this.stats = Object.fromEntries(STATISTICS.map((key) => [key, el('span', { text: '–' })]))
    this.since = el('span', { class: 'hint', id: 'since' })
    const stats = STATISTICS.map((key) => el('div', { class: 'stat' }, el('small', { text: t(key) }), this.stats[key]))
    this.intervals = el('div', { class: 'seg', role: 'group' }, INTERVALS.map((name, i) => el('button', { 'data-interval': name, title: `${i + 1}`, onclick: () => go({ interval: name }), text: name })))
    this.host = el('div', { class: 'chart', role: 'img', 'aria-label': t('chart') })
    this.legend = el('div', { class: 'legend', id: 'legend' })
    this.foot = el('div', { class: 'foot', id: 'foot' })
    this.book = el('div')
    this.trades = el('tbody')
    this.proof = el('div', { class: 'body proof', id: 'proof' })
    const heads = ['time', 'price', 'size'].map((h, i) => el('th', { class: i ? 'num' : null, scope: 'col', text: t(h) }))
    const tape = el('div', { class: 'tape' }, el('table', {}, el('thead', {}, el('tr', {}, heads)), this.trades))
    fill(root, el('div', { class: 'market' },
      el('div', { class: 'side' }, panel(t('markets'), this.watch), panel(t('movers'), this.movers)),
      el('div', { class: 'side centre' }, el('section', { class: 'panel', 'aria-label': t('market') }, el('div', { class: 'head' }, el('div', {}, this.name, this.last), stats, this.since),
        el('div', { class: 'bar' }, this.intervals, this.switches()), el('div', { class: 'canvas' }, this.legend, this.host), this.foot),
      el('div', { class: 'two pair' }, panelWith(t('venues'), t('venuesHint'), this.venues), panelWith(t('assets'), t('assetsHint'), this.assets))),
      el('div', { class: 'side' }, el('section', { class: 'panel' }, this.book), panel(t('proof'), this.proof), panel(t('trades'), tape))))
    this.heading()
  }

  switches() {
    const chosen = { volume: true, fan: true, venues: false, ...kept().chart }
    this.chosen = chosen
    const choose = (key) => (event) => {
      chosen[key] = event.target.checked
      keep({ chart: chosen })
      this.overlays()
    }
    const box = (key, word) => el('label', {}, el('input', { type: 'checkbox', id: `show-${key}`, checked: chosen[key], onchange: choose(key) }), t(word))
    return el('div', { class: 'checks' }, box('volume', 'showVolume'), box('fan', 'showFan'), box('venues', 'showVenues'))
  }

  heading() {
    fill(this.name, view.symbol, el('small', { text: view.venue }))
    for (const one of this.intervals.children) one.setAttribute('aria-pressed', String(one.dataset.interval === view.interval))
    fill(this.proof, el('span', { class: 'hint', text: t('proofHint') }))
    this.quote(null)
  }

  async load() {
    this.loading?.abort()
    this.loading = new AbortController()
    try {
      const answer = await ask('/api/v1/candles', { ...market(), interval: view.interval, limit: FIRST, fields: FIELDS }, this.loading.signal)
      this.meta = answer.meta
      this.atStart = answer.data.length < FIRST
      if (this.fitted !== JSON.stringify(view)) this.chart.points = []
      this.chart.set(answer.data, view.interval)
      if (this.fitted !== JSON.stringify(view)) this.chart.fit()
      this.fitted = JSON.stringify(view)
      if (answer.data.length) this.hover(null)
      else fill(this.legend, t('candlesNone'))
      this.showLast(answer.data.findLast((row) => !isBare(row))?.close)
      this.overlays()
      this.tail()
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.legend, String(error.message))
    }
  }

  async older() {
    if (this.atStart || this.busy || this.fitted !== JSON.stringify(view)) return
    this.busy = true
    const end = this.chart.grid[0] * 1000, asked = JSON.stringify(view)
    try {
      const answer = await ask('/api/v1/candles', { ...market(), interval: view.interval, end, limit: OLDER, fields: FIELDS })
      if (asked !== JSON.stringify(view)) return
      this.atStart = answer.data.length < OLDER
      const scale = this.chart.chart.timeScale(), range = scale.getVisibleLogicalRange(), before = this.chart.grid.length
      this.chart.set([...answer.data, ...this.chart.rows.values()].sort((a, b) => a.window_start - b.window_start), view.interval)
      const added = this.chart.grid.length - before
      if (range) scale.setVisibleLogicalRange({ from: range.from + added, to: range.to + added })
      this.tail()
    } catch { /* the next scroll asks again */ } finally { this.busy = false }
  }

  overlays() {
    this.chart.showVolume(this.chosen.volume)
    this.loadFan()
    this.loadVenues()
  }

  async loadFan() {
    const asked = JSON.stringify(market())
    const answer = this.chosen.fan ? await ask('/api/v1/forecast', market()).catch(() => ({ data: [] })) : { data: [] }
    if (asked !== JSON.stringify(market())) return
    const points = answer.data.map((r) => ({ time: r.target_time / 1000, values: [r.p02_5 ?? r.p10, r.p10, r.p50 ?? r.predicted_price, r.p90, r.p97_5 ?? r.p90] }))
    if (points.length) points.unshift({ time: answer.data[0].issued_time / 1000, values: Array(5).fill(answer.data[0].last_price) })
    this.chart.setFan(points)
  }

  async loadVenues() {
    const base = view.symbol.split('-')[0], others = this.chosen.venues ? page.markets.filter((m) => m.base === base && !isShown(m)).slice(0, 3) : []
    const closes = (m) => ask('/api/v1/candles', { symbol: m.symbol, venue: m.venue, interval: view.interval, limit: FIRST, fields: 'window_start,close' }).catch(() => ({ data: [] }))
    this.chart.setOthers(await Promise.all(others.map(async (m) => ({ name: `${m.venue} ${m.symbol}`, rows: (await closes(m)).data }))))
  }

  changed() {
    fill(this.trades)
    this.finals = 0
    this.shown = undefined
    page.notice = ''
    say(this.last, '–')
    this.heading()
    this.markets(page.markets)
    this.load()
  }

  reset() { this.load() }
  paint() { this.chart.paint() }

  close() {
    clearInterval(this.timer)
    this.loading?.abort()
    this.chart.close()
  }

  candle(row) {
    const known = this.chart.rows.get(row.window_start / 1000)
    if (row.status === 'open') this.showLast(row.close)
    if (known && !UNSETTLED.includes(known.status)) return
    this.chart.update(row)
    if (!this.hovered) this.hover(null)
  }

  final(row) {
    const differs = Object.entries(row.differs ?? {})
    this.chart.update(row)
    if (differs.length) this.finals++
    this.tail()
    if (!differs.length) return
    notice(t('finalDiffers', clock(row.window_start), differs.map(([name, was]) => `${name} ${was} → ${row[name]}`).join(', ')))
  }

  showLast(value) {
    if (value === undefined || value === null) return
    const was = this.shown
    this.shown = Number(value)
    say(this.last, price(value, this.chart.places))
    if (was !== undefined && was !== this.shown) this.last.className = `price ${this.shown > was ? 'up' : 'down'}`
    page.title(value)
  }

  quote(quote) {
    if (!quote) { fill(this.book, el('div', { class: 'empty', text: t('quotesNone') })); return }
    const spread = Number(quote.ask) - Number(quote.bid), middle = (Number(quote.ask) + Number(quote.bid)) / 2, places = this.chart?.places
    const side = (word, kind, value, size) => el('div', {}, el('small', { text: t(word) }), el('b', { class: kind, text: price(value, places) }), el('span', { text: size ? quantity(size) : '' }))
    fill(this.book, el('div', { class: 'book', id: 'book' }, side('bid', 'up', quote.bid, quote.bid_quantity), side('ask', 'down', quote.ask, quote.ask_quantity)),
      el('div', { class: 'foot' }, el('span', {}, `${t('spread')} `, el('b', { text: fixed(spread, places ?? 2) }), ` · ${fixed(10000 * spread / middle, 2)} bps`)))
  }

  trade(trade) {
    const side = trade.side === 'buy' ? 'up' : 'down'
    this.trades.prepend(el('tr', {}, el('td', { class: 'soft', text: seconds(trade.time) }), el('td', { class: `num ${side}`, text: price(trade.price, this.chart.places) }), el('td', { class: 'num', text: quantity(trade.quantity) })))
    while (this.trades.children.length > TAPE) this.trades.lastChild.remove()
    if (!this.chart.grid.length && !this.busy) this.load()
    if (page.latencies.length % 5 === 0) this.tail()
  }

  ticks(ticks) {
    for (const tick of ticks) {
      const shown = this.prices?.get(`${tick.venue}:${tick.symbol}`), was = this.ticked.get(shown)
      if (!shown || tick.price === null) continue
      say(shown, price(tick.price))
      if (was !== undefined && was !== Number(tick.price)) shown.className = Number(tick.price) > was ? 'up' : 'down'
      this.ticked.set(shown, Number(tick.price))
      if (tick.bid && isShown(tick) && !this.book.querySelector('#book')) this.quote(tick)
    }
  }

  markets(markets) {
    if (!markets.length) { fill(this.watch, el('li', { class: 'empty', text: t('loading') })); return }
    this.prices = new Map()
    fill(this.watch, markets.map((m) => el('li', {}, this.watched(m))))
    this.statistics(markets.find(isShown))
    this.compare(markets)
    this.move(markets)
  }

  watched(m) {
    const last = el('b', { text: price(m.last) }), change = Number(m.change_percent ?? 0)
    this.prices.set(`${m.venue}:${m.symbol}`, last)
    return el('button', { 'aria-current': String(isShown(m)), 'data-market': `${m.venue}:${m.symbol}`, onclick: () => go({ symbol: m.symbol, venue: m.venue }) },
      el('b', { text: m.symbol }), el('span', { class: 'num' }, last), el('small', { text: m.venue }),
      el('small', { class: `num ${change > 0 ? 'up' : change < 0 ? 'down' : ''}`, title: m.since && isPartial(m) ? t('onlySince', clock(m.since)) : null, text: dayChange(m) }))
  }

  statistics(m) {
    const known = m && m.last !== null
    say(this.stats.change24, known ? `${price(m.change)} (${percent(m.change_percent)})` : '–')
    this.stats.change24.className = known ? (Number(m.change) >= 0 ? 'up' : 'down') : ''
    say(this.stats.high24, price(m?.high))
    say(this.stats.low24, price(m?.low))
    say(this.stats.volume24, known ? `${amount(m.volume)} ${m.base} · ${amount(m.quote_volume)} ${m.quote}` : '–')
    say(this.stats.trades24, count(m?.trade_count))
    const known24 = known && isPartial(m) ? t('onlySince', clock(m.since)) : ''
    say(this.since, known24)
    if (known && this.shown === undefined) this.showLast(m.last)
  }

  /** The asset's price wherever it is told: venues as they trade, vendors as they were sampled. */
  compare(markets) {
    const base = view.symbol.split('-')[0], same = markets.filter((m) => m.base === base && m.last !== null), mine = same.find(isShown)
    const heard = page.feed.status?.venues ?? {}, isLive = (q) => same.some((m) => m.venue === q.venue && m.symbol === q.symbol)
    const rows = [...same.map((m) => ({ ...m, price: m.last, age: heard[m.venue]?.age_s, word: t('traded') })),
      ...this.quotes.filter((q) => q.symbol.split('-')[0] === base && !isLive(q)).map((q) => ({ ...q, bid: q.bid_price, ask: q.ask_price, age: (Date.now() - q.received_time) / 1000, word: t('sampled') }))]
    const off = (row) => (mine ? bps(Number(row.price) / Number(mine.last) - 1) : '–')
    const width = (row) => (row.bid && row.ask ? fixed(20000 * (row.ask - row.bid) / (Number(row.ask) + Number(row.bid)), 2) : '–')
    const line = (row) => [el('span', { class: 'nowrap' }, row.venue, ' ', el('small', { class: 'soft', text: row.symbol })), price(row.price), off(row), width(row), el('span', { class: 'nowrap', text: span(row.age), title: row.word })]
    fill(this.venues, rows.length ? table([t('source'), `#${t('price')}`, `#${t('difference')}`, `#${t('spread')}`, `#${t('age')}`], rows.map(line)) : el('span', { class: 'hint', text: '–' }))
  }

  hover(row) {
    this.hovered = row
    const one = row ?? this.chart.rows.get(this.chart.grid.at(-1))
    if (!one) return
    const value = (name, text) => el('span', {}, `${name} `, el('b', { text })), places = this.chart.places
    const prices = [['O', one.open], ['H', one.high], ['L', one.low], ['C', one.close]].map(([name, v]) => value(name, price(v, places)))
    fill(this.legend, el('span', {}, el('b', { text: moment(one.window_start) }), ' UTC'), isBare(one) ? null : [...prices, value('V', quantity(one.volume))],
      chip(t(one.status), one.status), one.revision > 1 ? chip(`r${one.revision}`, 'warn') : null,
      one.missing_ids > 0 ? chip(`${count(one.missing_ids)} × ${t('missing').toLowerCase()}`, 'warn') : null,
      isBare(one) ? el('span', { class: isGap(one) ? 'why' : '', text: ` ${t(`why_${one.status}`)}` }) : null)
  }

  /** The markets by how far they moved in 24 hours, with what they turned over. */
  move(markets) {
    const known = markets.filter((m) => m.last !== null).sort((a, b) => Math.abs(b.change_percent) - Math.abs(a.change_percent)).slice(0, 8)
    const row = (m) => [el('span', { class: 'nowrap' }, m.symbol, ' ', el('small', { class: 'soft', text: m.venue })), el('span', { class: m.change_percent >= 0 ? 'up' : 'down', title: isPartial(m) ? t('onlySince', clock(m.since)) : null, text: dayChange(m) }), amount(m.quote_volume)]
    fill(this.movers, known.length ? table([t('symbol'), '#24 h', `#${t('turnover')}`], known.map(row)) : el('span', { class: 'hint', text: '–' }))
  }

  /** What vendors say of the assets: the newest quote of each. */
  async loadQuotes() {
    const { data } = await ask('/api/v1/tables/quotes', { start: Date.now() - NEWEST_MS, limit: 2000 }).catch(() => ({ data: [] }))
    const newest = new Map(data.map((row) => [`${row.venue}:${row.symbol}`, row]))
    this.quotes = [...newest.values()].sort((a, b) => a.venue.localeCompare(b.venue))
    this.rank()
    this.compare(page.markets)
  }

  /** The assets by market capitalisation. */
  rank() {
    const by = new Map()
    for (const row of this.quotes) if (row.market_cap !== null) by.set(row.symbol.split('-')[0], row)
    const row = (one) => [el('b', { text: one.symbol.split('-')[0] }), price(one.price), el('span', { class: one.change_24h >= 0 ? 'up' : 'down', text: percent(one.change_24h) }), amount(one.market_cap), amount(one.volume_24h)]
    const ranked = [...by.values()].sort((a, b) => b.market_cap - a.market_cap)
    fill(this.assets, ranked.length ? table([t('asset'), `#${t('price')}`, '#24 h', `#${t('cap')}`, `#${t('volume24')}`], ranked.map(row)) : empty(t('assetsNone'), t('assetsWhy')))
  }

  /** Counts below the chart. */
  tail() {
    const rows = this.chart.grid.map((at) => this.chart.rows.get(at)), sorted = [...page.latencies].sort((a, b) => a - b)
    const part = (value, word) => el('span', {}, el('b', { text: value }), ` ${t(word)}`), ms = (share) => Math.round(sorted[Math.floor(sorted.length * share)])
    fill(this.foot, part(count(rows.length), 'footCandles'), part(count(rows.filter(isGap).length), 'footMissing'), part(count(rows.filter((r) => r.status === 'quiet').length), 'footQuiet'),
      sorted.length ? el('span', {}, `${t('footLatency')} `, el('b', { text: `p50 ${ms(0.5)} ms · p95 ${ms(0.95)} ms` })) : null,
      part(count(this.finals), 'footFinal'), this.meta ? el('span', {}, `${t('footSource')} `, el('b', { text: `${this.meta.table} v${this.meta.table_version}` })) : null)
  }

  async prove(row) {
    if (UNSETTLED.includes(row.status) || row.status === 'venue') {
      fill(this.proof, chip(t(row.status), row.status), ' ', el('span', { class: 'hint', text: moment(row.window_start) }))
      return
    }
    fill(this.proof, t('loading'))
    try {
      this.proven(await ask('/api/v1/lineage', { ...market(), interval: view.interval, window_start: row.window_start }))
    } catch (error) { fill(this.proof, empty('–', error.message)) }
  }

  proven({ candle, trades, revisions, table: name, table_version: version }) {
    const pair = (word, value) => [el('dt', { text: t(word) }), el('dd', {}, value)]
    const verdict = trades.proven === null ? '–' : trades.proven ? chip(t('yes'), 'proven') : chip(t('no'), 'differs')
    const offsets = (trades.offsets ?? []).flatMap((o) => pair('offsets', `${o.topic}-${o.partition}: ${o.first_offset} – ${o.last_offset}`))
    fill(this.proof, el('dl', {}, pair('window', moment(candle.window_start)), pair('status', chip(t(candle.status), candle.status)), pair('revision', String(candle.revision ?? '–')),
      pair('ids', candle.first_trade_id === null ? '–' : `${candle.first_trade_id} – ${candle.last_trade_id}`), pair('missing', count(candle.missing_ids)), pair('records', count(trades.records)),
      offsets, pair('adds', verdict), pair('table', `${name} v${version}`)),
    trades.reason ? el('p', { class: 'hint', text: trades.reason }) : null,
    revisions.length ? el('p', { class: 'hint', text: `${t('versions')}: ${revisions.map((r) => `r${r.revision} ${r.close}`).join(', ')}` }) : null)
  }
}

/** Whether less than a day is known of a market; what is said of its day is marked then. */
const isPartial = (m) => Date.now() - m.since < FULL_DAY_MS
const dayChange = (m) => `${percent(m.change_percent)}${m.last !== null && isPartial(m) ? '*' : ''}`

/** A difference in basis points with its sign; none is written without. */
function bps(share) {
  const rounded = Math.round(share * 100000) / 10
  return rounded === 0 ? fixed(0, 1) : `${rounded > 0 ? '+' : ''}${fixed(rounded, 1)}`
}
