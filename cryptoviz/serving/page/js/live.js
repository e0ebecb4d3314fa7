/**
 * The live stream of one market: events handed on, freshness judged four times a second.
 * The browser comes back by itself with the last id it has; the server sends what was missed.
 */
const SILENT_MS = 4000
const EVENTS = ['candle', 'final', 'trade', 'quote', 'ticks', 'reset']

export class Feed {
  /** @param {{[event: string]: (data: any) => void}} handlers one of them, `state`, is told how fresh all is */
  constructor(handlers) {
    this.handlers = handlers
    this.source = null
    this.heard = Date.now()
    this.status = null
    this.venue = ''
    this.state = 'waiting'
    setInterval(() => this.judge(), 250)
  }

  /** Listen to a market. @param {{symbol: string, venue: string, interval: string}} view */
  open(view) {
    this.source?.close()
    this.venue = view.venue
    const query = new URLSearchParams({ symbol: view.symbol, venue: view.venue, interval: view.interval })
    const source = new EventSource(`/api/v1/stream?${query}`)
    this.source = source
    for (const name of EVENTS) source.addEventListener(name, (event) => this.take(name, JSON.parse(event.data)))
    source.addEventListener('status', (event) => {
      this.status = { ...JSON.parse(event.data), at: Date.now() }
      this.heard = Date.now()
      this.judge()
    })
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.source === source && this.open(view), 1500)
    })
  }

  take(name, data) {
    this.heard = Date.now()
    this.handlers[name]?.(data)
  }

  /** Seconds since the venue was last heard: counted by the server, carried on here. */
  age() {
    const venue = this.status?.venues?.[this.venue]
    return venue ? venue.age_s + (Date.now() - this.status.at) / 1000 : null
  }

  judge() {
    const venue = this.status?.venues?.[this.venue], age = this.age(), was = this.state
    if (Date.now() - this.heard > SILENT_MS) this.state = 'lost'
    else if (!venue) this.state = 'waiting'
    else this.state = age > venue.stale_after_s ? 'stale' : 'live'
    this.handlers.state?.({ state: this.state, was, age, venue: this.venue, lag: venue?.lag_ms })
  }
}
