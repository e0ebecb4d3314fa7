/** The page: tabs, keys, theme, language, and how fresh everything is. What a tab shows is its own module's. */
import { ask } from './api.js'
import { el, empty, fill, say } from './dom.js'
import { price, seconds, span } from './format.js'
import { Feed } from './live.js'
import { page } from './page.js'
import { INTERVALS, go, keep, kept, onChange, readAddress, view } from './state.js'
import { language, t, translate } from './words.js'

const TABS = ['market', 'predictions', 'quality', 'pipeline', 'alerts']
const root = document.documentElement
const $ = (id) => document.getElementById(id)
const content = $('content')
const show = (name, data) => page.tab?.[name]?.(data)

/** Told in a pill and, when it matters, in a banner. */
function freshness({ state, was, age, venue }) {
  const pill = $('freshness'), words = { live: t('live'), waiting: t('connecting'), stale: t('stale'), lost: t('lost') }[state]
  if (pill.className !== `pill ${state}`) pill.className = `pill ${state}`
  say(pill.lastElementChild, words)
  pill.title = age === null ? words : t('ago', span(age))
  const isBad = state === 'stale' || state === 'lost'
  const lake = page.feed.status?.lake, degraded = lake?.failure ? t('degradedBanner', span(lake.age_s)) : ''
  let banner = degraded || page.notice
  if (state === 'stale') banner = t('staleBanner', venue, span(age))
  if (state === 'lost') banner = t('lostBanner', seconds(page.feed.heard))
  $('banner').className = isBad ? '' : 'notice'
  $('banner').hidden = !banner
  $('banner').title = degraded ? lake.failure : ''
  say($('banner'), banner)
  const isBack = page.degraded && !degraded
  page.degraded = degraded
  if (isBack || (state === 'live' && (was === 'lost' || was === 'stale'))) show('reset')
}

function trade(one) {
  page.latencies.push(Date.now() - one.time)
  if (page.latencies.length > 500) page.latencies.shift()
  show('trade', one)
}

page.feed = new Feed({
  trade, state: freshness, candle: (row) => show('candle', row), final: (row) => show('final', row),
  quote: (one) => show('quote', one), ticks: (all) => show('ticks', all), reset: () => show('reset'),
})
// The canvas says nothing to a test; this does.
window.cv = { view, page, get chart() { return page.tab?.chart }, get state() { return page.feed.state } }

async function open() {
  const name = view.tab
  for (const tab of TABS) {
    $(`tab-${tab}`).setAttribute('aria-selected', String(tab === name))
    $(`tab-${tab}`).tabIndex = tab === name ? 0 : -1
  }
  page.tab?.close?.()
  page.tab = null
  const { default: Tab } = await import(`./${name}.js`)
  if (view.tab !== name) return
  fill(content, empty(t('loading')))
  content.setAttribute('aria-labelledby', `tab-${name}`)
  page.tab = new Tab(content)
  title()
}

function title(last) {
  document.title = last ? `${price(last)} ${view.symbol} · cryptoviz` : `${t(view.tab)} · cryptoviz`
}
page.title = title

onChange((changed) => {
  if (changed.has('tab')) open()
  else show('changed', changed)
  if (['symbol', 'venue', 'interval'].some((name) => changed.has(name))) page.feed.open(view)
})

const isDark = () => root.dataset.theme === 'dark' || (root.dataset.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)

function toggleTheme() {
  root.dataset.theme = isDark() ? 'light' : 'dark'
  keep({ theme: root.dataset.theme })
  show('paint')
}

function togglePalette() {
  root.dataset.palette = root.dataset.palette === 'safe' ? 'classic' : 'safe'
  keep({ palette: root.dataset.palette })
  show('paint')
}

function toggleLanguage() {
  root.lang = language() === 'fr' ? 'en' : 'fr'
  keep({ language: language() })
  speak()
  open()
}

function speak() {
  const [short, name] = language() === 'fr' ? ['EN', 'English'] : ['FR', 'Français']
  translate()
  say($('language'), short)
  $('language').title = name
  $('language').setAttribute('aria-label', name)
}

function about() {
  const key = (keys, what) => el('p', {}, keys.map((k) => [el('kbd', { text: k }), ' ']).flat(), t(what))
  fill($('about'), el('h2', { id: 'about-title', text: t('about') }),
    key(['Alt+1', 'Alt+5'], 'keyTabs'), key(['1', '7'], 'keyIntervals'), key(['j', 'k'], 'keyMarkets'), key(['t'], 'keyTheme'),
    key(['c'], 'keyPalette'), key(['?'], 'keyHelp'), el('p', {}, el('a', { href: '/docs', text: t('api') })),
    el('p', { class: 'hint' }, t('attribution'), ' ', el('a', { href: 'https://www.tradingview.com/', rel: 'noopener', text: 'tradingview.com' })),
    el('form', { method: 'dialog' }, el('button', { class: 'ghost', text: t('close') })))
  $('about').showModal()
}

function next(by) {
  const at = page.markets.findIndex((m) => m.symbol === view.symbol && m.venue === view.venue)
  const market = page.markets[(at + by + page.markets.length) % page.markets.length]
  if (market) go({ symbol: market.symbol, venue: market.venue })
}

function besideTab(by) {
  const tab = TABS[(TABS.indexOf(view.tab) + by + TABS.length) % TABS.length]
  go({ tab })
  $(`tab-${tab}`).focus()
}

const KEYS = { j: () => next(1), k: () => next(-1), t: toggleTheme, c: togglePalette, '?': about }

addEventListener('keydown', (event) => {
  if (event.target.closest?.('input, select, dialog') || event.ctrlKey || event.metaKey) return
  const number = Number(event.code.replace('Digit', '')) - 1
  if (event.target.getAttribute?.('role') === 'tab' && event.key === 'ArrowRight') besideTab(1)
  else if (event.target.getAttribute?.('role') === 'tab' && event.key === 'ArrowLeft') besideTab(-1)
  else if (event.altKey) { if (TABS[number]) { event.preventDefault(); go({ tab: TABS[number] }) } }
  else if (INTERVALS[Number(event.key) - 1]) go({ interval: INTERVALS[Number(event.key) - 1] })
  else KEYS[event.key]?.()
})

/** The markets with their last 24 hours. */
async function refresh() {
  try {
    page.markets = (await ask('/api/v1/tickers')).data
    show('markets', page.markets)
  } catch { /* the banner says that nobody answers; the next turn asks again */ }
}

$('theme').onclick = toggleTheme
$('palette').onclick = togglePalette
$('language').onclick = toggleLanguage
$('help').onclick = about
for (const tab of TABS) $(`tab-${tab}`).onclick = () => go({ tab })
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show('paint'))
readAddress()
if (kept().language === undefined && navigator.language?.startsWith('fr')) root.lang = 'fr'
speak()
page.feed.open(view)
refresh()
setInterval(refresh, 10000)
await open()
