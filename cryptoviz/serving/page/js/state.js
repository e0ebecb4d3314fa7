/**
 * What is shown, kept in the address (tab, market, interval) and in this browser (theme, palette, language).
 * @typedef {{tab: string, symbol: string, venue: string, interval: string}} View
 */
const TABS = ['market', 'predictions', 'quality', 'pipeline', 'alerts']
export const INTERVALS = ['1m', '5m', '15m', '1h', '4h', '1d', '1w']
const KEY = 'cryptoviz'

/** @type {View} */
export const view = { tab: 'market', symbol: 'BTC-USDT', venue: 'binance', interval: '1m' }
const listeners = new Set()

/** Call on every change, with the names of what changed. @param {(changed: Set<string>) => void} listener */
export function onChange(listener) { listeners.add(listener) }

/** Show something else and say so in the address. @param {Partial<View>} next */
export function go(next) {
  const hash = new URLSearchParams({ ...view, ...next }).toString()
  if (`#${hash}` !== location.hash) location.hash = hash
}

/** Read the address; what it does not say or nobody knows stays as it is. */
export function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1)), changed = new Set()
  const fits = {
    tab: (v) => TABS.includes(v), interval: (v) => /^(1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M)$/.test(v),
    symbol: (v) => /^[A-Z0-9]{1,20}-[A-Z0-9]{2,20}$/.test(v), venue: (v) => /^[a-z]{1,20}$/.test(v),
  }
  for (const [name, check] of Object.entries(fits)) {
    const value = said.get(name)
    if (value && check(value) && value !== view[name]) { view[name] = value; changed.add(name) }
  }
  return changed
}

addEventListener('hashchange', () => {
  const changed = readAddress()
  if (changed.size) for (const listener of listeners) listener(changed)
})

/** What this browser keeps. @returns {{theme?: string, palette?: string, language?: string}} */
export function kept() {
  try { return JSON.parse(localStorage.getItem(KEY) || '{}') } catch { return {} }
}

/** Keep something. @param {object} next */
export function keep(next) {
  try { localStorage.setItem(KEY, JSON.stringify({ ...kept(), ...next })) } catch { /* a private window keeps nothing */ }
}
