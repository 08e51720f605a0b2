// The demo's five steps as a state: where one is, what was really done, and what is kept over a reload.
import { DAY, dayStart } from './time'

export const STEPS = ['open', 'header', 'past', 'break', 'explain'] as const
export type Step = (typeof STEPS)[number]

export interface Tour {
  // Which demo it belongs to: the next one begins anew.
  demo: string
  at: number
  done: readonly Step[]
  skipped: boolean
  // Whether the header was seen to tell of the broken feed.
  sawBroken: boolean
}

export interface Seen {
  ticket: string | null
  basis: string
  at: number | null
  now: number
  broken: boolean
  // What the header says of the feed.
  feedIsLate: boolean
  copied: boolean
}

export const begin = (demo: string): Tour => ({ demo, at: 0, done: [], skipped: false, sawBroken: false })

// The midnight of the last Tuesday before today, in East Africa Time.
export function lastTuesday(now: number): number {
  const today = dayStart(now)
  const weekday = new Date(today + 3 * 3_600_000).getUTCDay()
  return today - (((weekday - 2 + 6) % 7) + 1) * DAY
}

// What one sees now may fulfil the step one is at, and no other.
export function observe(tour: Tour, seen: Seen): Tour {
  const step = STEPS[tour.at]
  const sawBroken = tour.sawBroken || (step === 'break' && seen.broken && seen.feedIsLate)
  const tuesday = lastTuesday(seen.now)
  const met = {
    open: seen.ticket !== null,
    header: seen.basis === 'proven',
    past: seen.at !== null && seen.at >= tuesday && seen.at < tuesday + DAY,
    break: sawBroken && !seen.broken && !seen.feedIsLate,
    explain: seen.copied,
  }
  const isNew = step !== undefined && met[step] && !tour.done.includes(step)
  if (!isNew && sawBroken === tour.sawBroken) return tour
  return { ...tour, sawBroken, done: isNew ? [...tour.done, step] : tour.done }
}

const KEY = 'fleettickets-tour'

export function recall(demo: string): Tour {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Partial<Tour> | null
    if (kept?.demo === demo) return { ...begin(demo), ...kept }
  } catch {
    // Storage may be forbidden, or hold what somebody else wrote: then it begins anew.
  }
  return begin(demo)
}

export function keep(tour: Tour): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(tour))
  } catch {
    // Nothing is lost but the place in the tour.
  }
}
