// East Africa Time, which has no summer time: the calendar of the feed and of everybody who reads this.
export const HOUR = 3_600_000
export const DAY = 24 * HOUR
const EAT_OFFSET = 3 * HOUR
export const ZONE = 'Africa/Nairobi'

// The EAT midnight at or before an instant.
export function dayStart(at: number): number {
  return Math.floor((at + EAT_OFFSET) / DAY) * DAY - EAT_OFFSET
}

export function dateOf(at: number): string {
  return new Date(at + EAT_OFFSET).toISOString().slice(0, 10)
}

export function startOfDate(date: string): number {
  return Date.parse(`${date}T00:00:00+03:00`)
}

// How much of [from, to) lies in the feed's active hours, 06 to 20 EAT: the exporter sleeps at night.
const ACTIVE_FROM = 6 * HOUR
const ACTIVE_TO = 20 * HOUR

export function activeTime(from: number, to: number): number {
  if (to <= from) return 0
  return activeSince(to) - activeSince(from)
}

function activeSince(at: number): number {
  const local = at + EAT_OFFSET
  const days = Math.floor(local / DAY)
  const inDay = local - days * DAY
  return days * (ACTIVE_TO - ACTIVE_FROM) + Math.min(Math.max(inDay - ACTIVE_FROM, 0), ACTIVE_TO - ACTIVE_FROM)
}

export interface Duration {
  days: number
  hours: number
  minutes: number
}

export function durationOf(ms: number): Duration {
  const minutes = Math.floor(Math.abs(ms) / 60_000)
  return { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60 }
}
