/** The alerts tab: what is wrong now, and what was. */
import { ask } from './api.js'
import { chip, el, empty, fill, panel, panelWith, table } from './dom.js'
import { count, moment, span } from './format.js'
import { go } from './state.js'
import { t } from './words.js'

const WEEK = 7 * 86400000
const SHOWN = 300
const QUOTED = new Set(['lake_silent', 'feed_lost', 'service_down', 'service_unready'])

export default class Alerts {
  constructor(root) {
    this.root = root
    this.load()
    this.timer = setInterval(() => this.load(), 10000)
  }

  changed() {}
  close() { clearInterval(this.timer) }

  async load() {
    try {
      const { data, meta } = await ask('/api/v1/alerts', { start: Date.now() - WEEK, limit: 2000 })
      this.draw(data.toReversed(), meta)
    } catch (error) { fill(this.root, panel(t('alerts'), empty(t('lost'), error.message))) }
  }

  draw(rows, meta) {
    const card = (word, value, note = '') => el('div', { class: 'panel card' }, el('small', { text: word }), el('b', { text: value }), el('span', { text: note }))
    const critical = rows.filter((a) => a.ended_time === null && a.severity === 'critical').length
    const sorted = [...rows.filter((a) => a.ended_time === null), ...rows.filter((a) => a.ended_time !== null)]
    fill(this.root, el('div', { class: 'cards' }, card(t('firing'), count(meta.firing)), card(t('critical'), count(critical)), card(t('ended'), count(rows.length - meta.firing), t('weekRange'))),
      panelWith(t('alerts'), t('alertsHint'), rows.length ? el('div', { class: 'scroll tall' }, table([t('fired'), t('message'), t('state'), t('severity'), `#${t('lasted')}`], sorted.slice(0, SHOWN).map(line))) : empty(t('alertsNone'), t('alertsWhy'))))
  }
}

function line(a) {
  const fires = a.ended_time === null, lasted = ((a.ended_time ?? Date.now()) - a.fired_time) / 1000
  // What a part said of itself stays in its own words.
  const isQuoted = QUOTED.has(a.rule), said = t(`alert_${a.rule}`, a.subject, a.value)
  const message = a.symbol ? el('button', { class: 'plain told', onclick: () => go({ tab: 'market', symbol: a.symbol, venue: a.venue }), text: said }) : el('span', { class: 'wrap told' }, said, isQuoted && a.value ? el('small', { class: 'soft', lang: 'en', text: ` ${a.value}` }) : null)
  return [el('span', { class: 'nowrap', text: moment(a.fired_time) }), message, chip(t(fires ? 'firing' : 'ended'), fires ? 'differs' : 'equal'), chip(t(a.severity), a.severity === 'critical' ? 'down' : 'warn'), span(lasted)]
}
