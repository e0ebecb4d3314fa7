/** Numbers and times as people read them; the exact text of a decimal is never turned into a float to be stored. */
import { language } from './words.js'

const cache = new Map()
const format = (options) => {
  const key = language() + JSON.stringify(options)
  if (!cache.has(key)) cache.set(key, new Intl.NumberFormat(language(), options))
  return cache.get(key)
}

/** Digits after the point that a price of this size is read with. @param {number} value */
export const digits = (value) => (value >= 1000 ? 2 : value >= 10 ? 3 : value >= 1 ? 4 : 6)
/** A price. @param {string|number|null} value @param {number=} places */
export function price(value, places) {
  if (value === null || value === undefined) return '–'
  const n = places ?? digits(Math.abs(Number(value)))
  return format({ minimumFractionDigits: Math.min(n, 2), maximumFractionDigits: n }).format(value)
}
/** A large amount, shortened. */
export const amount = (value) => (value === null || value === undefined ? '–' : format({ notation: 'compact', maximumSignificantDigits: 3 }).format(value))
/** An amount with a few significant digits. */
export const quantity = (value) => (value === null || value === undefined ? '–' : format({ maximumSignificantDigits: 6 }).format(value))
/** A whole number. */
export const count = (value) => (value === null || value === undefined ? '–' : format({ maximumFractionDigits: 0 }).format(value))
/** So many digits after the point. @param {number} value @param {number} places */
export const fixed = (value, places) => format({ minimumFractionDigits: places, maximumFractionDigits: places }).format(value)
/** A percentage with its sign. */
export const percent = (value) => (value === null || value === undefined ? '–' : `${Number(value) > 0 ? '+' : ''}${format({ minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value)} %`)
/** Bytes. */
export function bytes(value) {
  if (value === null || value === undefined) return '–'
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  for (; value >= 1000 && at < 4; at++) value /= 1000
  return `${format({ maximumSignificantDigits: 3 }).format(value)} ${units[at]}`
}
const pad = (n) => String(n).padStart(2, '0')
/** Hours and minutes, UTC. @param {number} ms */
export const clock = (ms) => { const d = new Date(ms); return `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}` }
/** With seconds, UTC. @param {number} ms */
export const seconds = (ms) => `${clock(ms)}:${pad(new Date(ms).getUTCSeconds())}`
/** Day and time, UTC. @param {number} ms */
export const moment = (ms) => { const d = new Date(ms); return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${clock(ms)}` }
/** A length of time. @param {number} s */
export function span(s) {
  if (s === null || s === undefined) return '–'
  if (s < 90) return `${Math.round(s)} s`
  if (s < 5400) return `${Math.round(s / 60)} min`
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} ${language() === 'fr' ? 'j' : 'd'}`
}
