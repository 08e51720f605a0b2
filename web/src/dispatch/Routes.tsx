// The routes in words: each vehicle's stops in order, worst first, and the hands to change them.
import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { useWords, type Words } from '../i18n'
import { lockOf, type Plan, type Route, standingOf, type Stop, worstFirst, worstOf } from '../model/plan'
import { keyOf, teamOf, type Ticket } from '../model/ticket'
import { useShared } from '../ui/state'
import { arrivalWords, CrewNumber, Lock, placeWords, slackWords, sourceWords, StopMark, whyWords } from './words'

export interface Hands {
  // Null where nothing may be changed, with the reason shown elsewhere.
  move: ((ticket: string, vehicle: string, position: number | null) => void) | null
  unlock: ((ticket: string) => void) | null
}

interface Props {
  plan: Plan
  tickets: ReadonlyMap<string, Ticket>
  known: boolean
  chosen: string | null
  onStop: (ticket: string | null) => void
  hands: Hands
}

export function Routes({ plan, tickets, known, chosen, onStop, hands }: Props) {
  const { view, go } = useShared()
  const { t } = useWords()
  const routes = worstFirst(plan.routes)
  const [dragged, setDragged] = useState<string | null>(null)
  const open = view.vehicle
  const idle = routes.filter(({ stops }) => stops.length === 0).length
  return (
    <div className="routes" role="list" aria-label={t('plan.routes')}>
      {routes.map((route) => (
        <RouteItem
          key={route.vehicle} route={route} plan={plan} tickets={tickets} known={known} open={open === route.vehicle} chosen={chosen}
          onOpen={() => { go({ vehicle: open === route.vehicle ? null : route.vehicle }, true) }} onStop={onStop} hands={hands}
          dragged={dragged} setDragged={setDragged}
        />
      ))}
      {idle > 0 && <p className="soft note">{t('plan.idle', { n: idle })}</p>}
    </div>
  )
}

interface ItemProps extends Omit<Props, 'plan'> {
  plan: Plan
  route: Route
  open: boolean
  onOpen: () => void
  dragged: string | null
  setDragged: (ticket: string | null) => void
}

function RouteItem({ route, plan, tickets, known, open, chosen, onOpen, onStop, hands, dragged, setDragged }: ItemProps) {
  const words = useWords()
  const { t, distance, time } = words
  const { now } = useShared()
  const [over, setOver] = useState<number | null>(null)
  const droppable = dragged !== null && hands.move !== null
  const drop = (position: number | null): void => {
    setOver(null)
    if (dragged !== null) hands.move?.(dragged, route.vehicle, position)
    setDragged(null)
  }
  return (
    <section role="listitem" className="route" data-route={route.vehicle} data-open={open}>
      <button
        className="routehead" aria-expanded={open} data-over={over === -1} onClick={onOpen}
        onDragOver={(event) => { if (droppable) { event.preventDefault(); setOver(-1) } }} onDragLeave={() => { setOver(null) }}
        onDrop={(event) => { event.preventDefault(); drop(null) }}
      >
        <CrewNumber n={route.number} />
        <span>
          <span className="line"><b>{route.label}</b></span>
          <span className="line second">
            {route.stops.length === 0 ? t('plan.nostops')
              : t('plan.route', { n: route.stops.length, m: distance(route.distanceM), time: time(route.endsAt, now) })}
          </span>
        </span>
        <span className="end"><Danger route={route} words={words} /></span>
      </button>
      {open && (
        <>
          {route.shiftEndsAt !== null && <p className="soft note">{t('plan.shift', { time: time(route.shiftEndsAt, now) })} · {sourceWords(plan.travelSource, words)}</p>}
          <ol className="stops" aria-label={t('plan.stops', { name: route.label })}>
            {route.stops.map((stop, i) => (
              <li
                key={stop.ticket} draggable={hands.move !== null} data-over={over === i} data-stop={stop.ticket}
                onDragStart={(event) => { event.dataTransfer.setData('text/plain', stop.ticket); event.dataTransfer.effectAllowed = 'move'; setDragged(stop.ticket) }}
                onDragEnd={() => { setDragged(null) }}
                onDragOver={(event) => { if (droppable) { event.preventDefault(); setOver(i) } }} onDragLeave={() => { setOver(null) }}
                onDrop={(event) => { event.preventDefault(); drop(i) }}
              >
                <StopRow
                  stop={stop} route={route} plan={plan} ticket={tickets.get(stop.ticket)} closed={known && !tickets.has(stop.ticket)}
                  chosen={chosen === stop.ticket} onChoose={() => { onStop(chosen === stop.ticket ? null : stop.ticket) }} hands={hands}
                />
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  )
}

function Danger({ route, words }: { route: Route; words: Words }) {
  const { t } = words
  const worst = worstOf(route)
  if (route.stops.length === 0) return null
  const n = route.stops.filter((stop) => standingOf(stop) === worst).length
  return <span className={worst === 'missed' ? 'bad' : 'soft'}>{t(`plan.standing.${worst}`, { n })}</span>
}

interface StopProps {
  stop: Stop
  route: Route
  plan: Plan
  ticket: Ticket | undefined
  closed: boolean
  chosen: boolean
  onChoose: () => void
  hands: Hands
}

function StopRow({ stop, route, plan, ticket, closed, chosen, onChoose, hands }: StopProps) {
  const words = useWords()
  const { t } = words
  const { now } = useShared()
  const lock = lockOf(plan.locks, stop.ticket)
  const at = route.stops.indexOf(stop)
  const box = useRef<HTMLButtonElement>(null)
  const act = useActions(stop, route, plan, hands)
  // A stop that was moved keeps the eye and the keys.
  useEffect(() => { if (chosen) box.current?.focus({ preventScroll: false }) }, [chosen, at, route.vehicle])
  const onKey = (event: KeyboardEvent): void => {
    const todo = { u: act.up, d: act.down, x: act.toggle }[event.key]
    if (todo === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    todo?.()
  }
  return (
    <>
      <button ref={box} className="stop" aria-expanded={chosen} data-ticket={stop.ticket} aria-keyshortcuts="u d x" onClick={onChoose} onKeyDown={onKey}>
        <StopMark stop={stop} route={route} />
        <span>
          <span className="line"><b>{stop.ticket}</b> · {ticket?.cluster ?? (closed ? t('plan.closed') : t('value.none'))} {lock !== null && <Lock />}</span>
          <span className="line second">{ticket?.location ?? ''}</span>
          <span className="line second">{closed ? <strong className="bad">{t('plan.closed.stop')}</strong> : placeWords(ticket, stop.coarse, words)}{lock === null ? '' : <span className="hidden"> {t(`plan.lock.${lock}`)}</span>}</span>
        </span>
        <span className="end">
          <span className="line">{arrivalWords(stop, now, words)}</span>
          <span className={`line second ${standingOf(stop) === 'missed' ? 'bad' : ''}`}>{slackWords(stop, words)}</span>
        </span>
      </button>
      {chosen && <StopDetail stop={stop} route={route} plan={plan} ticket={ticket} act={act} lock={lock} hands={hands} />}
    </>
  )
}

interface Acts { up: (() => void) | null; down: (() => void) | null; toggle: (() => void) | null }

function useActions(stop: Stop, route: Route, plan: Plan, { move, unlock }: Hands): Acts {
  const at = route.stops.indexOf(stop)
  const lock = lockOf(plan.locks, stop.ticket)
  return {
    up: move === null || at === 0 ? null : () => { move(stop.ticket, route.vehicle, at - 1) },
    down: move === null || at === route.stops.length - 1 ? null : () => { move(stop.ticket, route.vehicle, at + 1) },
    toggle: move === null || unlock === null ? null : () => { if (lock === null) move(stop.ticket, route.vehicle, null); else unlock(stop.ticket) },
  }
}

function StopDetail({ stop, route, plan, ticket, act, lock, hands }: { stop: Stop; route: Route; plan: Plan; ticket: Ticket | undefined; act: Acts; lock: 'pinned' | 'first' | null; hands: Hands }) {
  const words = useWords()
  const { t } = words
  const { go } = useShared()
  const team = ticket === undefined ? null : teamOf(ticket)
  return (
    <div className="stopdetail">
      <ul className="why">{whyWords(stop, lock, plan.travelSource, words).map((why) => <li key={why}>{why}</li>)}</ul>
      {team !== null && <p className="soft">{t('drawer.team')}: {team}</p>}
      <div className="acts">
        {hands.move !== null && (
          <>
            <button className="button" disabled={act.up === null} aria-keyshortcuts="u" onClick={() => { act.up?.() }}>↑ {t('plan.up')} <kbd>u</kbd></button>
            <button className="button" disabled={act.down === null} aria-keyshortcuts="d" onClick={() => { act.down?.() }}>↓ {t('plan.down')} <kbd>d</kbd></button>
            <button className="button" aria-keyshortcuts="x" onClick={() => { act.toggle?.() }}>{t(lock === null ? 'plan.lock' : 'plan.unlock')} <kbd>x</kbd></button>
            <label className="field">
              <span className="hidden">{t('plan.moveto')}</span>
              <select value="" onChange={(event) => { hands.move?.(stop.ticket, event.target.value, null) }}>
                <option value="">{t('plan.moveto')}</option>
                {plan.routes.filter(({ vehicle }) => vehicle !== route.vehicle).map((one) => <option key={one.vehicle} value={one.vehicle}>{`${one.number} · ${one.label}`}</option>)}
              </select>
            </label>
          </>
        )}
        {ticket !== undefined && <button className="button" onClick={() => { go({ ticket: keyOf(ticket.dataset, ticket.id) }) }}>{t('plan.ticket')}</button>}
      </div>
    </div>
  )
}
