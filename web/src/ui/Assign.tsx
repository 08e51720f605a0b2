// One key takes a ticket into the plan that people work on, and says what came of it; nothing else moves.
import { useEffect, useRef, useState } from 'react'
import { Problem } from '../api'
import { reasonWords } from '../dispatch/words'
import { useWords } from '../i18n'
import { type Assigned, NoPlan, useAssign, useMayPlan } from '../live/plans'
import { routeOf } from '../model/plan'
import { isTyping } from './App'
import { useShared } from './state'

const ASKED = 'fleettickets-assign'

type Outcome = { ticket: string } & ({ state: 'busy' } | { state: 'done'; was: Assigned } | { state: 'noplan' } | { state: 'failed'; why: string })

// Beside every screen: it hears the key and the buttons, and keeps its answer until it is closed.
export function Assigning() {
  const { view, go } = useShared()
  const words = useWords()
  const { t, time } = words
  const assign = useAssign()
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const start = (key: string): void => {
    const ticket = key.slice(key.indexOf(':') + 1)
    if (outcome?.state === 'busy') return
    setOutcome({ ticket, state: 'busy' })
    assign(ticket).then(
      (was) => { setOutcome({ ticket, state: 'done', was }) },
      (error: unknown) => {
        if (error instanceof NoPlan) setOutcome({ ticket, state: 'noplan' })
        else if (error instanceof Problem) setOutcome({ ticket, state: 'failed', why: error.status === 403 ? t('plan.forbidden') : error.message })
        else throw error
      },
    )
  }
  const latest = useRef({ start, view })
  latest.current = { start, view }
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { screen, ticket, at } = latest.current.view
      if (event.key !== 'p' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if ((screen !== 'map' && screen !== 'board') || at !== null) return
      const key = (document.activeElement as HTMLElement | null)?.dataset.key ?? ticket
      if (key === null) return
      event.preventDefault()
      latest.current.start(key)
    }
    const onAsked = (event: Event): void => { latest.current.start((event as CustomEvent<string>).detail) }
    addEventListener('keydown', onKey)
    addEventListener(ASKED, onAsked)
    return () => {
      removeEventListener('keydown', onKey)
      removeEventListener(ASKED, onAsked)
    }
  }, [])

  const show = (): void => {
    if (outcome?.state === 'done') {
      const { plan, unplaced } = outcome.was
      go({ screen: 'dispatch', plan: plan.id, vehicle: routeOf(plan, outcome.ticket)?.vehicle ?? null, ticket: null, tab: unplaced === null ? null : 'left' })
    } else go({ screen: 'dispatch', ticket: null, tab: null })
    setOutcome(null)
  }
  const told = (): string => {
    if (outcome === null) return ''
    const { ticket } = outcome
    if (outcome.state === 'busy') return t('assign.busy', { ticket })
    if (outcome.state === 'noplan') return t('assign.noplan')
    if (outcome.state === 'failed') return outcome.why
    const { plan, unplaced, made, already } = outcome.was
    const route = routeOf(plan, ticket)
    const stop = route?.stops.find((one) => one.ticket === ticket)
    const what = unplaced !== null || route === null || stop === undefined
      ? t('told.unplaced', { ticket, why: unplaced === null ? '' : reasonWords(unplaced, words) })
      : t(already ? 'assign.already' : 'assign.done', { ticket, name: route.label, position: stop.position, time: time(stop.arrivesAt), id: plan.id ?? 0 })
    return made ? `${what} ${t('assign.made', { id: plan.id ?? 0 })}` : what
  }
  return (
    <div role="status" className="assigned" data-state={outcome?.state}>
      {outcome !== null && (
        <p>
          <span>{told()}</span>
          {(outcome.state === 'done' || outcome.state === 'noplan') && <button className="button" onClick={show}>{t(outcome.state === 'done' ? 'assign.show' : 'assign.make')}</button>}
          {outcome.state !== 'busy' && <button className="button plain square" aria-label={t('drawer.close')} onClick={() => { setOutcome(null) }}>×</button>}
        </p>
      )}
    </div>
  )
}

export function AssignButton({ ticketKey }: { ticketKey: string }) {
  const { t } = useWords()
  const may = useMayPlan()
  return (
    <button className="button" aria-keyshortcuts="p" disabled={may !== true} title={may === false ? t('plan.forbidden') : t('assign.hint')} onClick={() => { dispatchEvent(new CustomEvent(ASKED, { detail: ticketKey })) }}>
      {t('assign.key')}
    </button>
  )
}
