// The open tickets as one store: a whole map first, then only what changed, and the last of it kept for when all is away.
import type { Feature, Geometry } from 'geojson'
import { ask, Problem, problemOf } from '../api'
import { clocksOf, type DatasetClocks, type Rules, rulesOf, USUAL } from '../model/freshness'
import { keyOf, type Dataset, type Ticket, ticketOf } from '../model/ticket'

export type Link = 'connecting' | 'live' | 'polling' | 'offline'

export interface Snapshot {
  // Undefined until the first answer, from the server or kept from the last visit.
  tickets: readonly Ticket[] | undefined
  freshness: Record<Dataset, DatasetClocks>
  // What the clocks are judged by.
  rules: Record<Dataset, Rules>
  rev: number | null
  link: Link
  // The server's clock minus ours: a demo's clock runs faster, a phone's runs wrong.
  skewMs: number
  // When the payload came that is shown.
  receivedAt: number | null
  // Since when the server itself shows old data because its database is away.
  staleSince: number | null
  problem: Problem | null
  // How many tickets the last delta touched, for those who listen.
  changed: number
}

interface Collection {
  features: Feature<Geometry | null>[]
  summary?: { freshness?: Record<string, unknown> }
}

interface Delta {
  rev: number
  upsert: Feature<Geometry | null>[]
  remove: { dataset: string; id: string }[]
  summary?: { freshness?: Record<string, unknown> }
}

const PATH = '/webhook/tickets'
const KEPT = 'fleettickets-payload'
const POLL_S = 10
// A stream that stands still looks like one with nothing to say: in between we ask, and get a 304.
const WATCH_S = 30
// How long the server may take to begin an answer, and to end it.
const PATIENCE_MS = { head: 12_000, body: 120_000 }
const KEEP_AFTER_MS = 1_500
const KEEP_EVERY_MS = 60_000
const NO_CLOCKS: DatasetClocks = { runAt: null, fileTs: null, contentAsOf: null }

export const POLLING_EVERY_S = POLL_S

export class TicketStore {
  #snapshot: Snapshot = {
    tickets: undefined, freshness: { inc: NO_CLOCKS, crq: NO_CLOCKS }, rules: { inc: USUAL, crq: USUAL }, rev: null, link: 'connecting', skewMs: 0,
    receivedAt: null, staleSince: null, problem: null, changed: 0,
  }
  #byKey = new Map<string, Ticket>()
  #features = new Map<string, Feature<Geometry | null>>()
  // The ETag of the last answer belongs to its path alone.
  #seen: { path: string; etag: string | null } | null = null
  #listeners = new Set<() => void>()
  #events: EventSource | null = null
  #poll: ReturnType<typeof setInterval> | undefined
  #busy: Promise<void> | null = null
  #again = false
  #keeping: ReturnType<typeof setTimeout> | undefined
  #keptAt = 0
  #askedAt = 0
  #stopped = false

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get = (): Snapshot => this.#snapshot

  start(): void {
    this.#stopped = false
    void this.#recall()
    void this.refresh()
    void this.#askClock()
    this.#listen()
    this.#poll = setInterval(() => {
      if (this.#snapshot.link !== 'live' || Date.now() - this.#askedAt >= WATCH_S * 1000) void this.refresh()
    }, POLL_S * 1000)
    addEventListener('online', this.#online)
  }

  stop(): void {
    this.#stopped = true
    this.#events?.close()
    clearInterval(this.#poll)
    clearTimeout(this.#keeping)
    removeEventListener('online', this.#online)
  }

  // Brings the store up to date; callers that come meanwhile share one more round.
  refresh = (): Promise<void> => {
    if (this.#busy !== null) {
      this.#again = true
      return this.#busy
    }
    this.#busy = this.#round().finally(() => {
      this.#busy = null
      if (this.#again && !this.#stopped) {
        this.#again = false
        void this.refresh()
      }
    })
    return this.#busy
  }

  // The server's clock, as somebody just heard it.
  keepTime(now: number): void {
    this.#set({ skewMs: now - Date.now() })
  }

  #online = (): void => {
    void this.refresh()
    this.#listen()
  }

  async #round(): Promise<void> {
    try {
      const held = this.#snapshot.rev
      if (held !== null && (await this.#takeDelta(held))) return
      await this.#takeAll()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      this.#set({ problem: error, link: error.away ? 'offline' : this.#linkNow() })
    }
  }

  #linkNow(): Link {
    return this.#events?.readyState === EventSource.OPEN ? 'live' : 'polling'
  }

  async #takeAll(): Promise<void> {
    const response = await this.#askFor(PATH)
    if (response.status === 304) {
      this.#set({ link: this.#linkNow(), problem: null, receivedAt: Date.now() })
      return
    }
    if (!response.ok) throw await problemOf(response)
    const collection = await bodyOf<Collection>(response)
    const rev = Number(response.headers.get('fleettickets-revision') ?? NaN)
    this.#replace(collection, Number.isNaN(rev) ? null : rev, { link: this.#linkNow(), problem: null, receivedAt: Date.now() })
    this.#keep()
  }

  // False when the server remembers too little: then the whole map is taken again.
  async #takeDelta(held: number): Promise<boolean> {
    const response = await this.#askFor(`${PATH}?since=${held}`)
    if (response.status === 410) return false
    if (response.status === 304) {
      this.#set({ link: this.#linkNow(), problem: null, receivedAt: Date.now() })
      return true
    }
    if (!response.ok) throw await problemOf(response)
    this.#apply(await bodyOf<Delta>(response))
    this.#set({ link: this.#linkNow(), problem: null, receivedAt: Date.now() })
    return true
  }

  #replace(collection: Collection, rev: number | null, more: Partial<Snapshot>): void {
    this.#byKey.clear()
    this.#features.clear()
    for (const feature of collection.features) this.#hold(feature)
    this.#publish(rev, collection.summary?.freshness, 0, more)
  }

  #apply(delta: Delta): void {
    for (const feature of delta.upsert) this.#hold(feature)
    let removed = 0
    for (const { dataset, id } of delta.remove) {
      const key = keyOf(dataset, id)
      this.#features.delete(key)
      if (this.#byKey.delete(key)) removed += 1
    }
    if (delta.rev !== this.#snapshot.rev || removed + delta.upsert.length > 0) {
      this.#publish(delta.rev, delta.summary?.freshness, removed + delta.upsert.length)
      this.#keep()
    }
  }

  #hold(feature: Feature<Geometry | null>): void {
    const ticket = ticketOf(feature)
    this.#byKey.set(ticket.key, ticket)
    this.#features.set(ticket.key, feature)
  }

  #publish(rev: number | null, freshness: Record<string, unknown> | undefined, changed: number, more: Partial<Snapshot> = {}): void {
    this.#set({
      ...more,
      tickets: [...this.#byKey.values()],
      rev,
      changed,
      freshness: freshness ? { inc: clocksOf(freshness.inc), crq: clocksOf(freshness.crq) } : this.#snapshot.freshness,
    })
  }

  // Asks for what changed since this very question was asked last: an unchanged answer is a 304 without a body.
  async #askFor(path: string): Promise<Response> {
    const etag = this.#seen?.path === path ? this.#seen.etag : null
    this.#askedAt = Date.now()
    const response = await patiently((signal) => ask(path, { headers: etag === null ? {} : { 'if-none-match': etag }, cache: 'no-store', signal }), PATIENCE_MS.head)
    if (response.ok) this.#seen = { path, etag: response.headers.get('etag') }
    const stale = Date.parse(response.headers.get('fleettickets-stale') ?? '')
    this.#set({ staleSince: Number.isNaN(stale) ? null : stale })
    return response
  }

  async #askClock(): Promise<void> {
    try {
      const response = await ask('/api/freshness', { cache: 'no-store' })
      if (!response.ok) return
      const told = (await response.json()) as Record<string, unknown>
      const now = typeof told.now === 'string' ? Date.parse(told.now) : NaN
      this.#set({
        skewMs: Number.isNaN(now) ? this.#snapshot.skewMs : now - Date.now(),
        ...clocksAndRules(told),
      })
    } catch (error) {
      if (!(error instanceof Problem)) throw error // away: the tickets' own round tells it
    }
  }

  #listen(): void {
    if (this.#stopped || (this.#events !== null && this.#events.readyState !== EventSource.CLOSED)) return
    const events = new EventSource('/api/events')
    this.#events = events
    events.onopen = () => {
      this.#set({ link: 'live' })
    }
    events.onerror = () => {
      if (this.#snapshot.link === 'live') this.#set({ link: 'polling' })
      // A browser gives up after an answer that is no stream; we try again with the next poll.
      if (events.readyState === EventSource.CLOSED) setTimeout(() => { this.#listen() }, POLL_S * 1000)
    }
    events.addEventListener('revision', (event: MessageEvent<string>) => {
      const rev = Number((JSON.parse(event.data) as { rev?: number }).rev)
      if (rev !== this.#snapshot.rev) void this.refresh()
    })
    events.addEventListener('clocks', (event: MessageEvent<string>) => {
      const told = JSON.parse(event.data) as Record<string, unknown>
      this.#set(clocksAndRules(told))
      void this.#askClock()
    })
    events.addEventListener('stale', (event: MessageEvent<string>) => {
      const since = Date.parse((JSON.parse(event.data) as { since?: string }).since ?? '')
      this.#set({ staleSince: Number.isNaN(since) ? Date.now() : since })
    })
    events.addEventListener('fresh', () => {
      this.#set({ staleSince: null })
      void this.refresh()
    })
  }

  // The map as it stands now, for the next visit without a network: soon, but not while the page is being drawn, and
  // not with every delta.
  #keep(): void {
    clearTimeout(this.#keeping)
    this.#keeping = setTimeout(this.#keepNow, Math.max(KEEP_AFTER_MS, this.#keptAt + KEEP_EVERY_MS - Date.now()))
  }

  #keepNow = (): void => {
    const { freshness, rev, receivedAt } = this.#snapshot
    if (!('caches' in globalThis) || rev === null || receivedAt === null) return
    this.#keptAt = Date.now()
    const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
    const told = (of: DatasetClocks): unknown => ({
      run_at: iso(of.runAt), file_ts: iso(of.fileTs), content_as_of: iso(of.contentAsOf),
    })
    const body = JSON.stringify({
      features: [...this.#features.values()],
      summary: { freshness: { inc: told(freshness.inc), crq: told(freshness.crq) } },
    })
    const headers = { 'fleettickets-kept': new Date(receivedAt).toISOString(), 'fleettickets-revision': String(rev) }
    void caches.open(KEPT).then((cache) => cache.put(PATH, new Response(body, { headers }))).catch(() => {
      this.#keptAt = Infinity // no room or no permission: this browser keeps nothing
    })
  }

  async #recall(): Promise<void> {
    if (!('caches' in globalThis)) return
    const kept = await caches.open(KEPT).then((cache) => cache.match(PATH)).catch(() => undefined)
    if (kept === undefined) return
    const collection = (await kept.json()) as Collection
    // The server was quicker.
    if (this.#snapshot.tickets !== undefined) return
    const at = Date.parse(kept.headers.get('fleettickets-kept') ?? '')
    this.#replace(collection, null, { receivedAt: Number.isNaN(at) ? null : at })
  }

  #set(change: Partial<Snapshot>): void {
    const news = Object.entries(change) as [keyof Snapshot, unknown][]
    if (news.every(([name, value]) => this.#snapshot[name] === value)) return
    this.#snapshot = { ...this.#snapshot, ...change }
    for (const listener of this.#listeners) listener()
  }
}

function clocksAndRules(told: Record<string, unknown>): Pick<Snapshot, 'freshness' | 'rules'> {
  const rules = (told.rules ?? {}) as Record<string, unknown>
  return {
    freshness: { inc: clocksOf(told.inc), crq: clocksOf(told.crq) },
    rules: { inc: rulesOf(rules.inc), crq: rulesOf(rules.crq) },
  }
}

async function bodyOf<T>(response: Response): Promise<T> {
  try {
    return await patiently(async () => (await response.json()) as T, PATIENCE_MS.body)
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(0, 'away', 'The answer broke off')
  }
}

// A server that takes longer counts as away: it may stand still with its connections open.
async function patiently<T>(work: (signal: AbortSignal) => Promise<T>, patienceMs: number): Promise<T> {
  const controller = new AbortController()
  const away = new Problem(0, 'away', 'The server does not answer')
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(away)
      controller.abort(away)
    }, patienceMs)
  })
  try {
    return await Promise.race([work(controller.signal), over])
  } finally {
    clearTimeout(timer)
  }
}
