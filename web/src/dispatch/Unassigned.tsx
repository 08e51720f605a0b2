// What is on no route: each ticket with the reason that is true, the vehicle that would be best, and its price.
import { useMemo } from 'react'
import { useWords } from '../i18n'
import { type Left, type Plan, REASONS } from '../model/plan'
import { keyOf, type Ticket } from '../model/ticket'
import { stateAt } from '../model/sla'
import { Shape } from '../ui/Shape'
import { useShared } from '../ui/state'
import { reasonWords } from './words'

interface Props {
  plan: Plan
  tickets: ReadonlyMap<string, Ticket>
  insert: ((ticket: string) => void) | null
}

export function Unassigned({ plan, tickets, insert }: Props) {
  const words = useWords()
  const { t, number } = words
  const labels = useMemo(() => new Map(plan.routes.map(({ vehicle, label }) => [vehicle, label])), [plan])
  const planned = useMemo(() => new Set([...plan.routes.flatMap(({ stops }) => stops.map(({ ticket }) => ticket)), ...plan.left.map(({ ticket }) => ticket)]), [plan])
  const fresh = useMemo(() => [...tickets.values()].filter(({ id }) => !planned.has(id)), [tickets, planned])
  if (plan.left.length + fresh.length === 0) return <p className="soft note">{t('plan.left.none')}</p>
  return (
    <div className="left">
      {fresh.length > 0 && (
        <section aria-label={t('plan.left.new')}>
          <h3>{t('plan.left.new')} · {number(fresh.length)}</h3>
          <p className="soft">{t('plan.left.new.why')}</p>
          <ul>{fresh.slice(0, MOST).map((ticket) => <NewTicket key={ticket.key} ticket={ticket} insert={insert} />)}</ul>
        </section>
      )}
      {REASONS.map((reason) => {
        const these = plan.left.filter((left) => left.reason === reason)
        return these.length === 0 ? null : (
          <section key={reason} aria-label={t(`plan.group.${reason}`)} data-reason={reason}>
            <h3>{t(`plan.group.${reason}`)} · {number(these.length)}</h3>
            <ul>
              {these.slice(0, MOST).map((left) => (
                <LeftTicket key={left.ticket} left={left} ticket={tickets.get(left.ticket)} best={left.bestVehicle === null ? null : labels.get(left.bestVehicle) ?? left.bestVehicle} insert={insert} />
              ))}
            </ul>
            {these.length > MOST && <p className="soft note">{t('plan.left.more', { n: these.length - MOST })}</p>}
          </section>
        )
      })}
    </div>
  )
}

const MOST = 200

function LeftTicket({ left, ticket, best, insert }: { left: Left; ticket: Ticket | undefined; best: string | null; insert: Props['insert'] }) {
  const words = useWords()
  const { t, distance, time } = words
  const { now, go } = useShared()
  return (
    <li data-left={left.ticket}>
      {ticket !== undefined ? <Shape state={stateAt(ticket, now)} /> : <span />}
      <div>
        <p>
          {ticket === undefined ? <b>{left.ticket}</b> : <button className="link" onClick={() => { go({ ticket: keyOf(ticket.dataset, ticket.id) }) }}>{left.ticket}</button>}
          {' · '}{ticket?.cluster ?? t('value.none')}{left.dueAt === null ? '' : ` · ${t('list.due', { time: time(left.dueAt, now) })}`}
        </p>
        <p className="soft">{reasonWords(left, words)}</p>
        {best !== null && left.priceM !== null && <p className="soft">{t('plan.left.best', { name: best, m: distance(left.priceM) })}</p>}
      </div>
      {insert !== null && left.point !== null && <button className="button" onClick={() => { insert(left.ticket) }}>{t('plan.insert')}<span className="hidden"> {left.ticket}</span></button>}
    </li>
  )
}

function NewTicket({ ticket, insert }: { ticket: Ticket; insert: Props['insert'] }) {
  const { t, time } = useWords()
  const { now, go } = useShared()
  return (
    <li data-left={ticket.id}>
      <Shape state={stateAt(ticket, now)} />
      <div>
        <p><button className="link" onClick={() => { go({ ticket: ticket.key }) }}>{ticket.id}</button> · {ticket.cluster ?? t('value.none')}</p>
        <p className="soft">{ticket.dueAt === null ? t('plan.slack.free') : t('list.due', { time: time(ticket.dueAt, now) })}</p>
      </div>
      {insert !== null && <button className="button" onClick={() => { insert(ticket.id) }}>{t('plan.insert')}<span className="hidden"> {ticket.id}</span></button>}
    </li>
  )
}
