/** The alerts tab: what fired. */
import { ask } from './api.js'
import { chip, el, empty, fill, panel, table } from './dom.js'
import { moment } from './format.js'
import { t } from './words.js'

export default class Alerts {
  constructor(root) {
    this.root = root
    this.load()
    this.timer = setInterval(() => this.load(), 15000)
  }

  changed() {}
  close() { clearInterval(this.timer) }

  async load() {
    const answer = await ask('/api/v1/alerts', { limit: 500 }).catch((error) => ({ data: [], meta: { reason: error.message } }))
    const rows = answer.data.toReversed().map((a) => [moment(a.fired_time ?? a.event_time ?? a.window_start), chip(a.severity ?? a.state ?? '–', 'warn'), a.rule ?? '–', [a.symbol, a.venue].filter(Boolean).join(' '), el('span', { class: 'wrap', text: a.message ?? a.detail ?? '' })])
    fill(this.root, panel(t('alerts'), rows.length ? el('div', { class: 'scroll' }, table([t('fired'), t('severity'), t('rule'), t('symbol'), t('message')], rows)) : empty(t('alertsNone'), `${t('alertsWhy')} ${answer.meta.reason ?? ''}`)))
  }
}
