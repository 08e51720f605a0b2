// The list on paper: every ticket of it as a line of a table, with its shape and its word.
import { useSyncExternalStore } from 'react'
import { useWords } from '../i18n'
import { teamOf } from '../model/ticket'
import { StateWord } from './Shape'
import { useShared } from './state'
import { ageOf, type Row } from './TicketList'

// More lines than anybody reads on paper are an export.
const MOST_LINES = 1000

let printing = false

export function usePrinting(): boolean {
  return useSyncExternalStore(watch, () => printing)
}

function watch(listener: () => void): () => void {
  const told = ({ type }: globalThis.Event): void => {
    printing = type === 'beforeprint'
    listener()
  }
  addEventListener('beforeprint', told)
  addEventListener('afterprint', told)
  return () => {
    removeEventListener('beforeprint', told)
    removeEventListener('afterprint', told)
  }
}

export function PaperList({ rows }: { rows: readonly Row[] }) {
  const words = useWords()
  const { t, time, number } = words
  const { now } = useShared()
  return (
    <>
      <table className="paper">
        <thead>
          <tr>{(['paper.sla', 'board.col.ticket', 'drawer.cluster', 'drawer.location', 'drawer.team', 'paper.age', 'drawer.due'] as const).map((key) => <th key={key}>{t(key)}</th>)}</tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_LINES).map(({ ticket, state }) => (
            <tr key={ticket.key}>
              <td><StateWord state={state} /></td>
              <td>{ticket.id}</td>
              <td>{ticket.cluster ?? t('value.none')}</td>
              <td>{[ticket.location, t(`geo.short.${ticket.geoSource}`, { m: ticket.radiusM === null ? '' : words.distance(ticket.radiusM) })].filter(Boolean).join(' · ')}</td>
              <td>{teamOf(ticket) ?? t('list.noteam')}</td>
              <td>{ageOf(ticket, now, words)}</td>
              <td>{ticket.dueAt === null ? '' : time(ticket.dueAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_LINES && <p>{t('paper.more', { n: number(rows.length - MOST_LINES) })}</p>}
    </>
  )
}
