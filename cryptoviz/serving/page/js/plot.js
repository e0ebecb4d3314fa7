/** A small chart of lines and bands as SVG, with axes that say what they measure. */
import { el } from './dom.js'
import { clock, moment } from './format.js'
import { t } from './words.js'

const SPACE = 'http://www.w3.org/2000/svg'
const LEFT = 74, RIGHT = 14, TOP = 12, BOTTOM = 26

function svg(tag, attributes, text) {
  const made = document.createElementNS(SPACE, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  return made
}

/** Round steps over a range. */
function steps(low, high, wanted = 4) {
  const rough = (high - low) / wanted || 1, unit = 10 ** Math.floor(Math.log10(rough))
  const size = [1, 2, 2.5, 5, 10].map((n) => n * unit).find((n) => n >= rough), found = []
  for (let at = Math.ceil(low / size) * size; at <= high; at += size) found.push(at)
  return found
}

/** So many instants over a range, both ends among them. */
const evenly = (low, high, count) => Array.from({ length: count }, (_, i) => (i === count - 1 ? high : low + ((high - low) * i) / (count - 1)))

/**
 * @param {{series: {points: {x: number, y: number}[], stroke: string}[], bands?: {low: any[], high: any[], fill: string}[],
 *   dots?: {x: number, y: number, fill: string}[], x: 'time'|'horizon', y: (value: number) => string, width: number, height?: number, zero?: boolean,
 *   label?: string}} plot `width` in pixels, `label` what a reader is told that it shows
 */
export function lines({ series, bands = [], dots = [], x, y, width, height = 230, zero = false, label = '' }) {
  const points = [...series.flatMap((s) => s.points), ...bands.flatMap((b) => [...b.low, ...b.high])].filter((p) => Number.isFinite(p.y))
  if (!points.length) return el('div', { class: 'empty', text: '–' })
  const xs = points.map((p) => p.x), ys = points.map((p) => p.y)
  const [left, right] = [Math.min(...xs), Math.max(...xs)], [low, high] = [Math.min(...ys, zero ? 0 : Infinity), Math.max(...ys, zero ? 0 : -Infinity)]
  const px = (value) => LEFT + ((value - left) / (right - left || 1)) * (width - LEFT - RIGHT), py = (value) => height - BOTTOM - ((value - low) / (high - low || 1)) * (height - TOP - BOTTOM)
  const path = (list) => list.filter((p) => Number.isFinite(p.y)).map((p, i) => `${i ? 'L' : 'M'}${px(p.x).toFixed(1)} ${py(p.y).toFixed(1)}`).join('')
  const root = svg('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label })
  root.style.height = 'auto'
  for (const at of steps(low, high)) {
    root.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: py(at), y2: py(at), stroke: 'var(--line-soft)' }), svg('text', { x: LEFT - 8, y: py(at) + 4, 'text-anchor': 'end' }, y(at)))
  }
  const ticks = x === 'time' ? evenly(left, right, Math.max(2, Math.round(width / 190))) : steps(left, right, 8)
  for (const at of ticks) root.append(svg('text', { x: px(at), y: height - 8, 'text-anchor': at === right ? 'end' : at === left ? 'start' : 'middle' }, x === 'time' ? (right - left > 172800000 ? moment(at).slice(5) : clock(at)) : `${at} ${t('hours')}`))
  if (zero) root.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: py(0), y2: py(0), stroke: 'var(--faint)', 'stroke-dasharray': '4 4' }))
  for (const band of bands) root.append(svg('path', { d: `${path(band.high)}${path(band.low.toReversed()).replace('M', 'L')}Z`, fill: band.fill }))
  for (const one of series) root.append(svg('path', { d: path(one.points), fill: 'none', stroke: one.stroke, 'stroke-width': 1.8 }))
  for (const one of dots) root.append(svg('circle', { cx: px(one.x), cy: py(one.y), r: 2.6, fill: one.fill }))
  return el('div', { class: 'body' }, root)
}
