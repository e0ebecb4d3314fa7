/** Elements from templates: every value is text, never markup, so that no symbol or message can become a script. */

/** An element with attributes and children. @param {string} tag @param {object=} attributes @param {...any} children */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value)
    else if (name === 'text') made.textContent = value
    else made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return made
}
/** Replace the children of an element. */
export const fill = (parent, ...children) => parent.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false))
/** Set a text only when it changed. */
export function say(element, text) { if (element.textContent !== text) element.textContent = text }
/** A table. @param {string[]} heads a head that begins with # is of numbers @param {any[][]} rows */
export function table(heads, rows) {
  const numeric = heads.map((h) => h.startsWith('#'))
  const cell = (value, i) => el('td', { class: numeric[i] ? 'num' : null }, value instanceof Node ? value : String(value ?? '–'))
  return el('table', {},
    el('thead', {}, el('tr', {}, heads.map((h, i) => el('th', { class: numeric[i] ? 'num' : null, scope: 'col', text: h.replace('#', '') })))),
    el('tbody', {}, rows.map((row) => el('tr', {}, row.map(cell)))))
}
/** A panel with a title. */
export const panel = (title, ...children) => el('section', { class: 'panel' }, el('header', {}, el('h2', { text: title })), ...children)
/** A panel whose title is followed by a hint. */
export function panelWith(title, hint, ...children) {
  const made = panel(title, ...children)
  if (hint) made.firstChild.append(el('span', { class: 'hint', text: hint }))
  return made
}
/** A word in a coloured pill; the colour goes by its kind. */
export const chip = (text, kind = text) => el('span', { class: `chip ${kind}`, text })
/** What stands where there is nothing: why, and what to do. */
export const empty = (title, why = '') => el('div', { class: 'empty' }, el('b', { text: title }), why)
const probe = el('i', { hidden: true })
/** A colour of the style sheet as the canvas wants it. @param {string} name */
export function colour(name) {
  if (!probe.isConnected) document.body.append(probe)
  probe.style.color = `var(--${name})`
  return getComputedStyle(probe).color
}
/** The same, translucent. */
export const faded = (name, alpha) => colour(name).replace(/^rgb\((.+)\)$/, `rgba($1, ${alpha})`)
