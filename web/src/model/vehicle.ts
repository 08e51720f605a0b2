// A vehicle as the server tells it. How old its position is, the reader's clock says.
import { instant } from './ticket'

export type Obstacle = 'no_position' | 'out_of_area' | 'stale' | 'skill'

export interface Vehicle {
  id: string
  label: string
  team: string | null
  skills: readonly string[]
  capacity: number | null
  shift: [from: string, to: string]
  point: [number, number] | null
  // The later of fix and heartbeat: to this instant the position is known.
  knownAt: number | null
  fixedAt: number | null
  speedKmH: number | null
  headingDeg: number | null
  obstacle: Obstacle | null
  nextTicket: string | null
  nextAt: number | null
}

export const STALE_AFTER_MS = 60 * 60_000
// Slower than this a tracker's heading is the direction of its noise.
const MOVING_KM_H = 3

type Told = Record<string, unknown>

export function vehicleOf(told: Told): Vehicle {
  const id = text(told.vehicle_id) ?? ''
  const name = text(told.label) ?? id
  const lon = number(told.lon)
  const lat = number(told.lat)
  return {
    id,
    // Two vehicles with one plate are told apart by their trackers.
    label: told.shares_label === true ? `${name} (${id})` : name,
    team: text(told.team),
    skills: Array.isArray(told.skills) ? told.skills.filter((one) => typeof one === 'string') : [],
    capacity: number(told.capacity),
    shift: [text(told.shift_start) ?? '', text(told.shift_end) ?? ''],
    point: lon === null || lat === null ? null : [lon, lat],
    knownAt: instant(told.known_at),
    fixedAt: instant(told.fixed_at),
    speedKmH: number(told.speed_km_per_h),
    headingDeg: number(told.heading_deg),
    obstacle: text(told.obstacle) as Obstacle | null,
    nextTicket: text(told.next_ticket),
    nextAt: instant(told.next_at),
  }
}

export type Freshness = 'fresh' | 'stale' | 'unknown'

// By the clock that everything on the screen is judged by; an answer that grew old in a tab grows stale with it.
export function freshnessOf(vehicle: Pick<Vehicle, 'point' | 'knownAt'>, now: number): Freshness {
  if (vehicle.point === null || vehicle.knownAt === null) return 'unknown'
  return now - vehicle.knownAt > STALE_AFTER_MS ? 'stale' : 'fresh'
}

// The direction it drives in, in whole steps of 15 degrees so that few pictures are drawn; null: it stands, or nobody knows.
export function headingOf(vehicle: Vehicle): number | null {
  if (vehicle.headingDeg === null || vehicle.speedKmH === null || vehicle.speedKmH < MOVING_KM_H) return null
  return (((Math.round(vehicle.headingDeg / 15) * 15) % 360) + 360) % 360
}

export const POINTS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const

export function pointOfCompass(degrees: number): (typeof POINTS)[number] {
  return POINTS[(((Math.round(degrees / 45) % 8) + 8) % 8)] ?? 'n'
}

const ORDER: Record<Freshness, number> = { fresh: 0, stale: 1, unknown: 2 }

// Who can be sent first, then by name; without a position last.
export function byUse(now: number): (a: Vehicle, b: Vehicle) => number {
  return (a, b) => ORDER[freshnessOf(a, now)] - ORDER[freshnessOf(b, now)]
    || a.label.localeCompare(b.label, 'en', { numeric: true }) || (a.id < b.id ? -1 : 1)
}

export interface Near {
  vehicle: Vehicle
  distanceM: number | null
  etaS: number | null
  basis: string
}

export interface Nearest {
  geoSource: string | null
  hasPlace: boolean
  isOpen: boolean
  vehicles: readonly Near[]
}

export function nearestOf(told: Told): Nearest {
  const ticket = (told.ticket ?? {}) as Told
  const list = Array.isArray(told.vehicles) ? (told.vehicles as Told[]) : []
  return {
    geoSource: text(ticket.geo_source),
    hasPlace: number(ticket.lat) !== null,
    isOpen: ticket.is_open === true,
    vehicles: list.map((one) => ({
      vehicle: vehicleOf(one), distanceM: number(one.distance_m), etaS: number(one.eta_s), basis: text(one.eta_basis) ?? '',
    })),
  }
}

// "straight line x 1.35 at 25 km/h", perhaps with why no road was looked at; null where a road was.
export function straightLine(basis: string): { detour: number; kmH: number } | null {
  const found = /^straight line x ([\d.]+) at ([\d.]+) km\/h/.exec(basis)
  return found === null ? null : { detour: Number(found[1]), kmH: Number(found[2]) }
}

// How much a place that is known to so many metres adds to an arrival or takes from it.
export function placeMarginS(radiusM: number | null, basis: string): number {
  const straight = straightLine(basis) ?? { detour: 1.35, kmH: 25 }
  return radiusM === null ? 0 : (radiusM * straight.detour) / (straight.kmH / 3.6)
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
