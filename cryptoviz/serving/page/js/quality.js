/** The quality tab: how every hour stands, what is missing and why, and what the venue says of the same hours. */
import { ask } from './api.js'
import { chip, el, empty, fill, panel, panelWith, table } from './dom.js'
import { clock, count, moment, percent, span } from './format.js'
import { go } from './state.js'
import { t } from './words.js'

const STATUSES = ['traded', 'quiet', 'repaired', 'halted', 'blind', 'open']
const HOUR = 3600000

export default class Quality {
  constructor(root) {
    this.root = root
    this.hours = 24
    this.load()
    this.timer = setInterval(() => this.load(), 30000)
  }

  changed() {}
  close() { clearInterval(this.timer) }

  async load() {
    try {
      const start = Date.now() - this.hours * HOUR
      const [grid, minutes, ids, recon] = await Promise.all([ask('/api/v1/quality', { hours: this.hours }), ask('/api/v1/gaps', { start, limit: 500 }), ask('/api/v1/gaps', { start, limit: 500, kind: 'ids' }), ask('/api/v1/reconciliation', { hours: this.hours })])
      this.draw(grid, minutes.data, ids.data, recon)
    } catch (error) { fill(this.root, empty(t('lost'), error.message)) }
  }

  draw(grid, minutes, ids, recon) {
    const { summary } = grid.meta
    const card = (word, value, note = '') => el('div', { class: 'panel card' }, el('small', { text: word }), el('b', { text: value }), el('span', { text: note }))
    fill(this.root, this.picker(), el('div', { class: 'cards' },
      card(t('proven'), summary.proven_percent === null ? '–' : percent(summary.proven_percent).replace('+', ''), t('provenHint', count(summary.minutes))),
      card(t('blindMinutes'), count(summary.blind), t('ofMinutes', count(summary.minutes))), card(t('gapsCount'), count(minutes.length + ids.length), t('gapsSplit', count(minutes.length), count(ids.length))),
      card(t('reconciled'), `${count(recon.meta.equal)} / ${count(recon.meta.rows)}`, recon.meta.rows ? '' : t('reconWhy'))),
    this.heat(grid.data), el('div', { class: 'two' }, el('div', { class: 'side' }, panel(t('gaps'), this.minutes(minutes)), panel(t('gapsIds'), this.ids(ids))), this.recon(recon.data)))
    const heat = this.root.querySelector('#heat')
    heat.scrollLeft = heat.scrollWidth
  }

  picker() {
    const choose = (hours) => () => { this.hours = hours; this.load() }
    return el('div', { class: 'seg', role: 'group' }, [[24, 'dayRange'], [168, 'weekRange']].map(([hours, word]) => el('button', { 'aria-pressed': String(this.hours === hours), onclick: choose(hours), text: t(word) })))
  }

  heat(rows) {
    const key = el('span', { class: 'key' }, STATUSES.map((status) => el('span', {}, el('i', { class: `s-${status}` }), t(status))), el('span', {}, el('i', { class: 'none' }), t('absent')))
    const made = panel(t('heat'), el('div', { class: 'heat', id: 'heat' }, rows.length ? this.cells(rows) : empty(t('candlesNone'))))
    made.firstChild.append(el('span', { class: 'hint', text: t('heatHint') }), key)
    return made
  }

  cells(rows) {
    const now = Math.floor(Date.now() / HOUR) * HOUR, hours = Array.from({ length: this.hours }, (_, i) => now - (this.hours - 1 - i) * HOUR)
    const markets = Map.groupBy(rows, (r) => `${r.symbol} ${r.venue}`)
    const head = el('tr', {}, el('th', { class: 'row' }), hours.map((h) => el('th', { class: 'soft', text: new Date(h).getUTCHours() % 6 === 0 ? clock(h).slice(0, 2) : '' })))
    const line = ([name, found]) => {
      const by = new Map(found.map((r) => [r.hour, r]))
      return el('tr', {}, el('th', { class: 'row', scope: 'row' }, found[0].symbol, ' ', el('small', { class: 'soft', text: found[0].venue })), hours.map((h) => el('td', {}, this.cell(by.get(h), h, name))))
    }
    return el('table', {}, el('thead', {}, head), el('tbody', {}, [...markets].map(line)))
  }

  cell(row, hour, name) {
    const parts = row ? STATUSES.filter((status) => row[status] > 0) : []
    const text = `${name}, ${moment(hour)} UTC: ${parts.length ? parts.map((s) => `${row[s]} ${t(s)}`).join(', ') : t('absent')}`
    const made = el('button', { class: `cell${parts.length ? '' : ' none'}`, title: text, 'aria-label': text, onclick: () => row && go({ tab: 'market', symbol: row.symbol, venue: row.venue, interval: '1m' }) })
    for (const status of parts.toReversed()) {
      const stripe = el('i', { class: `s-${status}` })
      stripe.style.flex = String(row[status])
      made.append(stripe)
    }
    return made
  }

  minutes(rows) {
    if (!rows.length) return empty(t('gapsNone'), t('gapsWhy'))
    return el('div', { class: 'scroll' }, table([t('start'), t('end'), t('symbol'), `#${t('minutes')}`, t('cause'), t('fate')], rows.toReversed().map((g) => [when(g.start), clock(g.end), named(g), span(g.minutes * 60), el('span', { class: 'soft', text: t(`why_${g.status}`) }), chip(t(`fate_${g.status}`), g.status)])))
  }

  ids(rows) {
    if (!rows.length) return empty(t('gapsNone'), t('gapsIdsWhy'))
    return el('div', { class: 'scroll' }, table([t('time'), t('symbol'), `#${t('ids')}`, t('cause'), t('fate'), `#${t('after')}`], rows.toReversed().map((g) => [when(g.opened_time), named(g), count(g.ids), el('span', { class: 'nowrap', text: t(`cause_${g.cause}`) }), el('span', { title: g.evidence ?? '' }, chip(t(`fate_${g.state}`), g.state === 'repaired' ? 'proven' : 'warn')), g.state === 'open' ? '–' : span(g.seconds)])))
  }

  recon(rows) {
    const one = (r) => {
      const differs = typeof r.differs === 'string' ? JSON.parse(r.differs) : r.differs
      return [when(r.window_start), named(r), differs.length ? chip(t('differs'), 'differs') : chip(t('equal'), 'equal'), el('span', { class: 'soft', text: differs.join(', ') }), r.volume_residual]
    }
    return panelWith(t('recon'), t('reconHint'), rows.length ? el('div', { class: 'scroll' }, table([t('hour'), t('symbol'), t('status'), t('differing'), `#${t('residual')}`], rows.toReversed().slice(0, 400).map(one))) : empty(t('reconNone'), t('reconWhy')))
  }
}

const when = (ms) => el('span', { class: 'nowrap', text: moment(ms) })
const named = (row) => el('span', { class: 'nowrap' }, `${row.symbol} `, el('small', { class: 'soft', text: row.venue }))
