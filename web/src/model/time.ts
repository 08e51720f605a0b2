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

// From when until when of the EAT day files are expected: the exporter sleeps at night.
export interface ActiveHours {
  from: number
  until: number
}

// How much of [from, to) lies in the feed's active hours.
export function activeTime(from: number, to: number, active: ActiveHours): number {
  return to <= from ? 0 : activeSince(to, active) - activeSince(from, active)
}

function activeSince(at: number, { from, until }: ActiveHours): number {
  const local = at + EAT_OFFSET
  const days = Math.floor(local / DAY)
  const inDay = local - days * DAY
  return days * (until - from) + Math.min(Math.max(inDay - from, 0), until - from)
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
