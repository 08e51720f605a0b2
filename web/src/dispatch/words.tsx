// What stands in a plan, said to people: arrivals with how far they may be off, time to spare, true reasons.
import type { Words } from '../i18n'
import { colourOf, type Left, type Route, type Standing, standingOf, type Stop } from '../model/plan'
import type { Ticket } from '../model/ticket'

const MINUTE = 60_000
const STEP = 5 * MINUTE

// "10:40 ± 25 min"; nobody knows a margin to the minute.
export function arrivalWords(stop: Stop, now: number, { t, time, duration }: Words): string {
  const at = time(stop.arrivesAt, now)
  return stop.marginMs === null ? at : t('plan.arrival', { time: at, margin: duration(Math.max(STEP, Math.ceil(stop.marginMs / STEP) * STEP)) })
}

export function slackWords(stop: Pick<Stop, 'slackMs' | 'tier' | 'marginMs'>, { t, duration }: Words): string {
  if (stop.slackMs === null) return t('plan.slack.free')
  const age = duration(stop.slackMs)
  return stop.slackMs >= 0 ? t('plan.slack.spare', { age }) : t(stop.tier === 'late' ? 'plan.slack.late' : 'plan.slack.missed', { age })
}

export function reasonWords(left: Pick<Left, 'reason' | 'by'>, { t }: Words): string {
  return t(`plan.reason.${left.reason}`, { by: left.by.slice(0, 3).join(', '), more: Math.max(0, left.by.length - 3) })
}

export function placeWords(ticket: Ticket | undefined, coarse: boolean, { t, distance }: Words): string {
  if (ticket === undefined) return coarse ? t('geo.short.cluster', { m: '' }) : ''
  return t(`geo.short.${ticket.geoSource}`, { m: ticket.radiusM === null ? '' : distance(ticket.radiusM) })
}

// Why this stop, here and now: each sentence is a fact of the plan.
export function whyWords(stop: Stop, lock: 'pinned' | 'first' | null, source: string, words: Words): string[] {
  const { t, duration, distance, percent, time } = words
  const driving = stop.travelMs === null ? '' : duration(Math.max(MINUTE, stop.travelMs))
  return [
    ...(stop.tier === null ? [] : [t(`plan.why.${stop.tier}`, { due: stop.dueAt === null ? '' : time(stop.dueAt) })]),
    t('plan.why.drive', { m: distance(stop.travelM), time: driving, source: sourceWords(source, words) }),
    t('plan.why.work', { time: duration(stop.serviceMs) }),
    ...(stop.coarse ? [t('plan.why.coarse')] : []),
    ...(stop.beginsAt > stop.arrivesAt ? [t('plan.why.waits', { time: time(stop.beginsAt) })] : []),
    ...(stop.stillOpen === null || stop.stillOpen >= 0.995 ? [] : [t('plan.why.open', { p: percent(stop.stillOpen) })]),
    ...(stop.marginMs === null ? [] : [t('plan.why.margin')]),
    ...(lock === null ? [] : [t(`plan.why.${lock}`)]),
  ]
}

export function sourceWords(source: string, { t, number }: Words): string {
  const found = /^straight line x ([\d.]+) at ([\d.]+) km\/h/.exec(source)
  return found === null ? source : t('plan.straight', { detour: number(Number(found[1]), 2), kmh: number(Number(found[2])) })
}

const OUTLINES: Record<Standing, string> = {
  missed: 'M12 1 23 12 12 23 1 12Z', late: 'M12 1 23 12 12 23 1 12Z', close: 'M12 1 23 22H1Z',
  in_time: 'M12 2a10 10 0 1 1 0 20 10 10 0 1 1 0-20Z', free: 'M3 3h18v18H3Z',
}

// A stop: the colour of its vehicle, its place in the order, and by its shape how it stands to its deadline.
export function StopMark({ stop, route, plain = false }: { stop: Stop; route: Pick<Route, 'number'>; plain?: boolean }) {
  const standing = standingOf(stop)
  const { fill, ink } = plain ? { fill: '#ffffff', ink: '#000000' } : colourOf(route.number)
  const hollow = standing === 'late'
  return (
    <svg className="stopmark" viewBox="0 0 24 24" aria-hidden="true">
      <path d={OUTLINES[standing]} fill={fill} stroke={plain ? '#000000' : 'var(--hairline)'} strokeWidth={standing === 'missed' ? 2.2 : 1} strokeDasharray={hollow ? '3 2' : undefined} />
      <text x="12" y={standing === 'close' ? 19 : 16} textAnchor="middle" fontSize="11" fontWeight="700" fill={ink}>{stop.position}</text>
    </svg>
  )
}

export function CrewNumber({ n }: { n: number }) {
  const { fill, ink } = colourOf(n)
  return <span className="crew" style={{ background: fill, color: ink }}>{n}</span>
}

export function Lock() {
  return (
    <svg className="lock" viewBox="0 0 12 14" aria-hidden="true">
      <path d="M3 6V4a3 3 0 0 1 6 0v2h1.5v7h-9V6Zm1.4 0h3.2V4a1.6 1.6 0 0 0-3.2 0Z" fill="currentColor" />
    </svg>
  )
}
