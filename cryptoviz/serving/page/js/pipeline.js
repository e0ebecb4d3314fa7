/** The pipeline tab: every service, topic and table at this moment. */
import { ask } from './api.js'
import { chip, el, empty, fill, panel, table } from './dom.js'
import { bytes, count, fixed, span } from './format.js'
import { t } from './words.js'

const NAMES = { dagster: 'Dagster', spark: 'Spark', minio: 'MinIO' }

export default class Pipeline {
  constructor(root) {
    this.root = root
    this.load()
    this.timer = setInterval(() => this.load(), 5000)
  }

  changed() {}
  close() { clearInterval(this.timer) }

  async load() {
    try { this.draw(await ask('/api/v1/pipeline')) } catch (error) { fill(this.root, empty(t('lost'), error.message)) }
  }

  draw(found) {
    const card = (word, value, note = '') => el('div', { class: 'panel card' }, el('small', { text: word }), el('b', { text: value }), el('span', { text: note }))
    const lags = Object.entries(found.streams.venues).map(([venue, v]) => `${venue} ${count(v.lag_ms)} ms`)
    const sum = (name) => { const known = found.topics.rows.map((r) => r[name]).filter((v) => v !== null && v !== undefined); return known.length ? known.reduce((a, b) => a + b, 0) : null }
    fill(this.root, el('div', { class: 'cards' }, card(t('throughput'), rate(sum('per_s'))), card(t('behind'), count(sum('lag')), t('behindHint')), card(t('venueLag'), lags[0] ?? '–', lags.slice(1).join(', ')),
      card(t('clients'), count(found.streams.clients)), card(t('cacheSize'), bytes(found.cache_bytes))),
    el('div', { class: 'links' }, Object.entries(found.links).map(([name, url]) => el('a', { href: url, rel: 'noopener', text: NAMES[name] ?? t(name) })), el('a', { href: '/docs', text: t('api') })),
    el('div', { class: 'two' }, panel(t('services'), el('div', { class: 'scroll' }, this.services(found.services))), panel(t('topics'), this.told(found.topics, this.topics))), panel(t('tables'), this.told(found.tables, this.tables)))
  }

  services(rows) {
    return table([t('service'), t('state'), `#${t('port')}`, `#${t('answered')}`, t('detail')], rows.map((s) => [el('b', { text: s.name }), chip(t(s.state), s.state), s.port, s.answered_ms === undefined ? '–' : `${fixed(s.answered_ms, 1)} ms`, el('span', { class: 'soft wrap said', lang: 'en', text: summary(s.detail) })]))
  }

  told({ rows, reason }, render) { return rows.length ? el('div', { class: 'scroll' }, render(rows)) : empty('–', el('span', { lang: 'en', text: reason })) }

  topics(rows) {
    return table([t('topic'), `#${t('partitions')}`, `#${t('records')}`, `#${t('perSecond')}`, `#${t('pending')}`, `#${t('lag')}`], rows.map((r) => [el('b', { text: r.name }), r.partitions, count(r.records), rate(r.per_s), count(r.lag), span(r.age_s)]))
  }

  tables(rows) {
    return table([t('table'), `#${t('rows')}`, `#${t('partitions')}`, `#${t('files')}`, `#${t('sizeBytes')}`, `#${t('lastCommit')}`], rows.map((r) => [el('b', { text: r.name }), count(r.rows), count(r.partitions ?? r.hours), count(r.files), bytes(r.bytes), span(r.age_s)]))
  }
}

/** Records a second; a dash until two looks were taken. */
const rate = (value) => (value === null || value === undefined ? '–' : value >= 10 ? count(value) : fixed(value, 1))

/** What a service says of itself, in a line: values as they are, parts of a kind counted by their state. */
function summary(detail) {
  if (typeof detail !== 'object' || detail === null) return String(detail ?? '')
  const plain = Object.entries(detail).filter(([, value]) => typeof value !== 'object').map(([name, value]) => `${name} ${value}`)
  const states = Object.entries(detail).map(([name, value]) => state(name, value)).filter(Boolean)
  const counted = [...Map.groupBy(states, (one) => one)].map(([one, all]) => (all.length > 1 ? `${all.length} × ${one}` : one))
  return [...counted, ...plain].join(' · ').slice(0, 260)
}

function state(name, value) {
  if (typeof value !== 'object' || value === null) return ''
  if (value.phase) return value.error ? `${name} ${value.error}` : value.phase
  if (value.alive !== undefined) return value.error ? `${name} ${value.error}` : `${name} ${value.alive ? 'alive' : 'dead'}`
  return name
}
