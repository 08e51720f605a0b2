// A plan of a shift as the server tells it, and what a person may do to it: lock, unlock, compare.
import { instant } from './ticket'

export type PlanState = 'draft' | 'committed' | 'superseded'
export type Tier = 'save' | 'late' | 'routine'
export const REASONS = ['outranked', 'shift_full', 'deadline_unreachable', 'stale_vehicle', 'skill', 'coarse_location', 'no_location'] as const
export type Reason = (typeof REASONS)[number]

export interface Settings {
  datasets: ('inc' | 'crq')[]
  horizon_hours: number
  stale_after_minutes: number
  allows_coarse: boolean
  longer_shift_minutes: number
  without_vehicles: string[]
  with_vehicles: number
  iterations: number
}

export const USUAL: Settings = {
  datasets: ['inc'], horizon_hours: 24, stale_after_minutes: 60, allows_coarse: true, longer_shift_minutes: 0,
  without_vehicles: [], with_vehicles: 0, iterations: 2000,
}

export interface Locks {
  pinned: Record<string, string>
  first: Record<string, string[]>
}

export const NO_LOCKS: Locks = { pinned: {}, first: {} }

export interface Worth {
  assigned: number
  saved: number
  savable: number
  late: number
  late_served: number
  distance_m: number
}

export interface Summary extends Worth {
  tickets: number
  vehicles: number
  by_reason: Partial<Record<Reason, number>>
  // The habit of today on the same day; a plan made by an older version has none.
  nearest_first?: Worth
}

export interface Stop {
  ticket: string
  position: number
  point: [number, number]
  coarse: boolean
  arrivesAt: number
  beginsAt: number
  finishesAt: number
  dueAt: number | null
  onTime: boolean | null
  slackMs: number | null
  marginMs: number | null
  travelM: number
  travelMs: number | null
  serviceMs: number
  tier: Tier | null
  stillOpen: number | null
}

export interface Route {
  vehicle: string
  label: string
  // Stays with the vehicle whatever is planned anew: people remember it.
  number: number
  start: [number, number]
  distanceM: number
  endsAt: number
  shiftEndsAt: number | null
  stops: readonly Stop[]
}

export interface Left {
  ticket: string
  reason: Reason
  by: readonly string[]
  bestVehicle: string | null
  priceM: number | null
  point: [number, number] | null
  dueAt: number | null
  tier: Tier | null
  stillOpen: number | null
}

export interface Plan {
  id: number | null
  revision: number
  state: PlanState
  createdBy: string
  basedOn: number | null
  committedAt: number | null
  committedBy: string | null
  settings: Settings
  locks: Locks
  plannedFor: number
  method: string
  travelSource: string
  summary: Summary
  routes: readonly Route[]
  left: readonly Left[]
}

type Told = Record<string, unknown>
const list = (value: unknown): Told[] => (Array.isArray(value) ? (value as Told[]) : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const perhaps = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const ms = (value: unknown): number | null => (typeof value === 'number' ? value * 1000 : null)

export function planOf(told: Told): Plan {
  const routes = list(told.routes).map((route, i) => ({ route, n: i + 1 }))
  return {
    id: perhaps(told.plan_id),
    revision: number(told.revision),
    state: told.state === 'committed' || told.state === 'superseded' ? told.state : 'draft',
    createdBy: text(told.created_by),
    basedOn: perhaps(told.based_on),
    committedAt: instant(told.committed_at),
    committedBy: text(told.committed_by) || null,
    settings: { ...USUAL, ...(told.settings as Partial<Settings> | undefined) },
    locks: { ...NO_LOCKS, ...(told.locks as Partial<Locks> | undefined) },
    plannedFor: instant(told.planned_for) ?? 0,
    method: text(told.method),
    travelSource: text(told.travel_source),
    summary: told.summary as Summary,
    routes: routes.map(({ route, n }) => ({
      vehicle: text(route.vehicle_id),
      label: text(route.label) || text(route.vehicle_id),
      number: n,
      start: [number(route.lon), number(route.lat)],
      distanceM: number(route.distance_m),
      endsAt: instant(route.ends_at) ?? 0,
      shiftEndsAt: instant(route.shift_ends_at),
      stops: list(route.stops).map(stopOf),
    })),
    left: list(told.unassigned).map(leftOf),
  }
}

function stopOf(stop: Told): Stop {
  const beginsAt = instant(stop.begins_at) ?? 0
  const finishesAt = instant(stop.finishes_at) ?? 0
  return {
    ticket: text(stop.ticket_id), position: number(stop.position), point: [number(stop.lon), number(stop.lat)],
    coarse: stop.is_coarse === true, arrivesAt: instant(stop.arrives_at) ?? 0, beginsAt, finishesAt, dueAt: instant(stop.due_at),
    onTime: typeof stop.is_on_time === 'boolean' ? stop.is_on_time : null, slackMs: ms(stop.slack_s), marginMs: ms(stop.arrival_margin_s),
    travelM: number(stop.travel_m), travelMs: ms(stop.travel_s), serviceMs: finishesAt - beginsAt,
    tier: (text(stop.tier) || null) as Tier | null, stillOpen: perhaps(stop.p_still_open),
  }
}

function leftOf(left: Told): Left {
  const [lon, lat] = [perhaps(left.lon), perhaps(left.lat)]
  return {
    ticket: text(left.ticket_id), reason: text(left.reason) as Reason, by: Array.isArray(left.by) ? (left.by as string[]) : [],
    bestVehicle: text(left.best_vehicle) || null, priceM: perhaps(left.price_m), point: lon === null || lat === null ? null : [lon, lat],
    dueAt: instant(left.due_at), tier: (text(left.tier) || null) as Tier | null, stillOpen: perhaps(left.p_still_open),
  }
}

// How a stop stands to its deadline. A deadline that had passed before the plan began is no failure of the plan.
export type Standing = 'in_time' | 'close' | 'missed' | 'late' | 'free'
const CLOSE_MS = 60 * 60_000

export function standingOf(stop: Pick<Stop, 'slackMs' | 'tier' | 'marginMs'>): Standing {
  if (stop.slackMs === null) return 'free'
  if (stop.slackMs >= 0) return stop.slackMs < Math.max(CLOSE_MS, stop.marginMs ?? 0) ? 'close' : 'in_time'
  return stop.tier === 'late' ? 'late' : 'missed'
}

const BADNESS: Record<Standing, number> = { missed: 4, close: 3, late: 2, in_time: 1, free: 0 }

export function worstOf(route: Pick<Route, 'stops'>): Standing {
  return route.stops.map(standingOf).reduce<Standing>((worst, one) => (BADNESS[one] > BADNESS[worst] ? one : worst), 'free')
}

// Routes by what is most in danger on them, then by how little time is to spare; the idle come last.
export function worstFirst(routes: readonly Route[]): Route[] {
  const least = (route: Route): number => Math.min(Infinity, ...route.stops.flatMap((stop) => (stop.slackMs !== null && stop.slackMs >= 0 ? [stop.slackMs] : [])))
  return [...routes].sort((a, b) => Number(b.stops.length > 0) - Number(a.stops.length > 0)
    || BADNESS[worstOf(b)] - BADNESS[worstOf(a)] || least(a) - least(b) || a.number - b.number)
}

export function routeOf(plan: Plan, ticket: string): Route | null {
  return plan.routes.find(({ stops }) => stops.some((stop) => stop.ticket === ticket)) ?? null
}

export function lockOf(locks: Locks, ticket: string): 'pinned' | 'first' | null {
  if (Object.values(locks.first).some((tickets) => tickets.includes(ticket))) return 'first'
  return ticket in locks.pinned ? 'pinned' : null
}

export function unlocked(locks: Locks, ticket: string): Locks {
  return {
    pinned: Object.fromEntries(Object.entries(locks.pinned).filter(([one]) => one !== ticket)),
    first: Object.fromEntries(Object.entries(locks.first)
      .map(([vehicle, tickets]): [string, string[]] => [vehicle, tickets.filter((one) => one !== ticket)])
      .filter(([, tickets]) => tickets.length > 0)),
  }
}

// To a vehicle, wherever it fits best there; or to a place in its order, and then whatever comes before is locked with it.
export function locked(plan: Plan, ticket: string, vehicle: string, position: number | null): Locks {
  const free = unlocked(plan.locks, ticket)
  if (position === null) return { ...free, pinned: { ...free.pinned, [ticket]: vehicle } }
  const others = plan.routes.find((route) => route.vehicle === vehicle)?.stops.map((stop) => stop.ticket).filter((one) => one !== ticket) ?? []
  const already = free.first[vehicle]?.length ?? 0
  const first = others.slice(0, Math.max(position, already))
  first.splice(position, 0, ticket)
  const pinned = Object.fromEntries(Object.entries(free.pinned).filter(([one]) => !first.includes(one)))
  return { pinned, first: { ...free.first, [vehicle]: first } }
}

// A lock on a ticket that closed would be refused; it has nothing to hold any more.
export function ofOpen(locks: Locks, isOpen: (ticket: string) => boolean): Locks {
  return {
    pinned: Object.fromEntries(Object.entries(locks.pinned).filter(([one]) => isOpen(one))),
    first: Object.fromEntries(Object.entries(locks.first)
      .map(([vehicle, tickets]): [string, string[]] => [vehicle, tickets.filter(isOpen)])
      .filter(([, tickets]) => tickets.length > 0)),
  }
}

export interface Changes {
  moved: [ticket: string, from: string, to: string][]
  added: [ticket: string, to: string][]
  dropped: string[]
  reordered: string[]
}

// What a change really did, counted from the two plans and not from what was asked for.
export function changesOf(before: Plan, after: Plan): Changes {
  const was = new Map(before.routes.flatMap(({ vehicle, stops }) => stops.map((stop): [string, string] => [stop.ticket, vehicle])))
  const is = new Map(after.routes.flatMap(({ vehicle, stops }) => stops.map((stop): [string, string] => [stop.ticket, vehicle])))
  const stays = new Set([...is].filter(([ticket, vehicle]) => was.get(ticket) === vehicle).map(([ticket]) => ticket))
  const order = (plan: Plan, vehicle: string): string => (plan.routes.find((route) => route.vehicle === vehicle)?.stops ?? [])
    .map((stop) => stop.ticket).filter((ticket) => stays.has(ticket)).join()
  return {
    moved: [...is].flatMap(([ticket, to]) => { const from = was.get(ticket); return from !== undefined && from !== to ? [[ticket, from, to] as [string, string, string]] : [] }),
    added: [...is].filter(([ticket]) => !was.has(ticket)),
    dropped: [...was.keys()].filter((ticket) => !is.has(ticket)),
    reordered: after.routes.map(({ vehicle }) => vehicle).filter((vehicle) => order(before, vehicle) !== order(after, vehicle)),
  }
}

export interface Listed {
  plan_id: number
  revision: number
  state: PlanState
  planned_for: string
  created_by: string
  committed_at: string | null
  committed_by: string | null
  summary: Summary
}

// The plan to work on: a draft made after the committed one, else the committed one, else the newest.
export function toWorkOn(plans: readonly Listed[]): Listed | null {
  const committed = plans.find(({ state }) => state === 'committed')
  const draft = plans.find(({ state, plan_id }) => state === 'draft' && plan_id > (committed?.plan_id ?? 0))
  return draft ?? committed ?? plans[0] ?? null
}

// Six colours that stay apart under every kind of colour blindness (Tol, bright); the number tells those apart that share one.
const COLOURS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377'] as const
const DARK_INK = new Set<string>(['#ee6677', '#ccbb44', '#66ccee'])

export function colourOf(n: number): { fill: string; ink: string } {
  const fill = COLOURS[(n - 1) % COLOURS.length] ?? COLOURS[0]
  return { fill, ink: DARK_INK.has(fill) ? '#182026' : '#ffffff' }
}
