// A sheet of paper a crew: what to do in which order, by shapes and not by colours, and how old all of it is.
import { useWords, type Words } from '../i18n'
import type { Plan, Route } from '../model/plan'
import { teamOf, type Ticket } from '../model/ticket'
import type { Vehicle } from '../model/vehicle'
import { useShared } from '../ui/state'
import { arrivalWords, placeWords, slackWords, sourceWords, StopMark } from './words'

interface Props {
  plan: Plan
  routes: readonly Route[]
  tickets: ReadonlyMap<string, Ticket>
  vehicles: readonly Vehicle[]
}

export function Sheets({ plan, routes, tickets, vehicles }: Props) {
  return (
    <div className="sheets">
      {routes.filter(({ stops }) => stops.length > 0).map((route) => (
        <Sheet key={route.vehicle} plan={plan} route={route} tickets={tickets} team={vehicles.find(({ id }) => id === route.vehicle)?.team ?? null} />
      ))}
    </div>
  )
}

function Sheet({ plan, route, tickets, team }: { plan: Plan; route: Route; tickets: ReadonlyMap<string, Ticket>; team: string | null }) {
  const words = useWords()
  const { t, time, duration, distance } = words
  const { freshness, now } = useShared()
  const ends = freshness[plan.settings.datasets[0] ?? 'inc'].contentAsOf
  return (
    <article className="sheet" data-sheet={route.vehicle}>
      <header>
        <h1>{route.label}{team === null ? '' : ` · ${team}`}</h1>
        <p><b>{t('sheet.plan', { id: plan.id ?? 0, revision: plan.revision, state: t(`plan.${plan.state}`) })}</b> · {t('sheet.asof', { time: time(plan.plannedFor) })} · {t('sheet.printed', { time: time(now) })}</p>
        <p>{ends === null ? t('fresh.no_data') : t('clock.ends', { time: time(ends), age: duration(now - ends) })} · {t('plan.route', { n: route.stops.length, m: distance(route.distanceM), time: time(route.endsAt, now) })}</p>
        {plan.state !== 'committed' && <p className="warn">{t('sheet.draft')}</p>}
      </header>
      <Sketch route={route} words={words} />
      <table>
        <thead><tr><th>#</th><th>{t('board.col.ticket')}</th><th>{t('drawer.location')}</th><th>{t('sheet.arrival')}</th><th>{t('drawer.due')}</th><th>{t('sheet.done')}</th></tr></thead>
        <tbody>
          {route.stops.map((stop) => {
            const ticket = tickets.get(stop.ticket)
            return (
              <tr key={stop.ticket}>
                <td><StopMark stop={stop} route={route} plain /></td>
                <td><b>{stop.ticket}</b><br />{ticket === undefined ? t('plan.closed.stop') : teamOf(ticket) ?? ''}</td>
                <td>{ticket?.location ?? ''}<br />{ticket?.cluster ?? ''} · {placeWords(ticket, stop.coarse, words)}<br />{stop.point[1].toFixed(5)}, {stop.point[0].toFixed(5)}</td>
                <td>{arrivalWords(stop, now, words)}<br />{t('sheet.work', { time: duration(stop.serviceMs) })}</td>
                <td>{stop.dueAt === null ? '–' : time(stop.dueAt)}<br />{slackWords(stop, words)}</td>
                <td className="tick">☐</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <footer>
        <p>{t('sheet.legend')}</p>
        <p>{t('sheet.margin')} {sourceWords(plan.travelSource, words)}</p>
      </footer>
    </article>
  )
}

const WIDTH = 640
const HEIGHT = 250
const EDGE = 26

// North up, straight from stop to stop; stops at one place are counted, not piled.
function Sketch({ route, words }: { route: Route; words: Words }) {
  const points = [route.start, ...route.stops.map(({ point }) => point)]
  const squeeze = Math.cos((route.start[1] * Math.PI) / 180)
  const xs = points.map(([lon]) => lon * squeeze)
  const ys = points.map(([, lat]) => -lat)
  const span = Math.max((Math.max(...xs) - Math.min(...xs)) / (WIDTH - 2 * EDGE), (Math.max(...ys) - Math.min(...ys)) / (HEIGHT - 2 * EDGE), 1e-6)
  const offX = (WIDTH - (Math.max(...xs) - Math.min(...xs)) / span) / 2
  const offY = (HEIGHT - (Math.max(...ys) - Math.min(...ys)) / span) / 2
  const at = (i: number): [number, number] => [offX + ((xs[i] ?? 0) - Math.min(...xs)) / span, offY + ((ys[i] ?? 0) - Math.min(...ys)) / span]
  // Who stands within a hand of another is set beside it.
  const placed: [number, number][] = []
  const beside = route.stops.map((_, i) => {
    let [x, y] = at(i + 1)
    while (placed.some(([a, b]) => Math.hypot(a - x, b - y) < 20)) { x += 21; if (x > WIDTH - 14) { x = 16; y += 21 } }
    placed.push([x, y])
    return [x, y] as const
  })
  const [startX, startY] = at(0)
  return (
    <svg className="sketch" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words.t('sheet.sketch')}>
      <polyline points={points.map((_, i) => at(i).join()).join(' ')} fill="none" stroke="#000" strokeWidth="1.2" strokeDasharray="5 3" />
      <path d={`M${startX - 7} ${startY + 6}h14l-7-13Z`} fill="#000" />
      <text x={startX + 9} y={startY + 6} fontSize="11">{words.t('sheet.start')}</text>
      <text x={WIDTH - 14} y="16" fontSize="11" textAnchor="middle">↑ N</text>
      {route.stops.map((stop, i) => (
        <g key={stop.ticket} transform={`translate(${(beside[i]?.[0] ?? 0) - 10} ${(beside[i]?.[1] ?? 0) - 10})`}>
          <svg width="20" height="20"><StopMark stop={stop} route={route} plain /></svg>
        </g>
      ))}
    </svg>
  )
}
