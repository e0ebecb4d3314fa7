/** What the tabs and the page share. */
export const page = {
  /** @type {import('./live.js').Feed|null} */ feed: null,
  /** @type {any[]} markets with their last 24 hours */ markets: [],
  /** What the banner says for a while. */ notice: '',
  /** Why what is shown may be old, empty when it is not. */ degraded: '',
  /** The tab that is open. */ tab: null,
  /** @type {number[]} milliseconds from the last trades to this page */ latencies: [],
  /** Name the window after a price. */ title: (_price) => {},
}

/** Say something for a while. @param {string} text */
export function notice(text) {
  page.notice = text
  setTimeout(() => { if (page.notice === text) page.notice = '' }, 12000)
}
