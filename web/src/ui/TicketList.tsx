// The list of tickets, as tall as there are tickets and as cheap as a screenful; the map's equal.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import { useWords, type Words } from '../i18n'
import { evidence, type SlaState } from '../model/sla'
import { teamOf, type Ticket } from '../model/ticket'
import { PaperList, usePrinting } from './Paper'
import { Shape } from './Shape'
import { useShared } from './state'

export interface Row {
  ticket: Ticket
  state: SlaState
  // How sure it is that the ticket is truly still open, where the server knows.
  still?: number | null
  // On the board, where the time that is left counts and not the age: how likely it breaches.
  breach?: number | null
}

const ROW_PX = 78

export function TicketList({ rows, label, cursor, onOpen }: { rows: readonly Row[]; label: string; cursor?: number; onOpen: (key: string) => void }) {
  const box = useRef<HTMLDivElement>(null)
  const { view } = useShared()
  const printing = usePrinting()
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: 8 })
  useEffect(() => {
    if (cursor === undefined || cursor < 0) return
    virtual.scrollToIndex(cursor)
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-index="${cursor}"]`)?.focus())
  }, [cursor, virtual])
  if (printing) return <PaperList rows={rows} />
  return (
    <div className="rows" ref={box} role="list" aria-label={label} tabIndex={rows.length === 0 ? -1 : 0}>
      <div style={{ height: virtual.getTotalSize() }} role="presentation">
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index]
          return row === undefined ? null : (
            <div key={row.ticket.key} role="listitem" aria-setsize={rows.length} aria-posinset={index + 1}>
              <RowButton row={row} index={index} start={start} chosen={view.ticket === row.ticket.key} onOpen={onOpen} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

function RowButton({ row, index, start, chosen, onOpen }: { row: Row; index: number; start: number; chosen: boolean; onOpen: (key: string) => void }) {
  const words = useWords()
  const { t } = words
  const { now, clocks } = useShared()
  const { ticket, state } = row
  const known = evidence(ticket, now, clocks.contentAsOf[ticket.dataset])
  return (
    <button
      className="row"
      style={{ transform: `translateY(${start}px)` }}
      data-index={index}
      data-key={ticket.key}
      aria-current={chosen}
      onClick={() => { onOpen(ticket.key) }}
    >
      <Shape state={state} />
      <span>
        <span className="line"><span className="id">{ticket.id}</span> · {ticket.cluster ?? t('value.none')}</span>
        <span className="line second">{ticket.location ?? ''}</span>
        <span className="line second">{teamOf(ticket) ?? t('list.noteam')}</span>
      </span>
      <span className="end">
        <span className="line">{row.breach === undefined || ticket.dueAt === null ? ageOf(ticket, now, words)
          : t(ticket.dueAt > now ? 'board.left' : 'board.over', { age: words.rough(Math.abs(ticket.dueAt - now)) })}</span>
        <span className={`line second ${known === 'presumed' ? 'presumed' : ''}`}>
          <span className="hidden">{t(`sla.${state}`)} </span>
          {row.breach !== undefined && row.breach !== null && state !== 'breached' ? t('board.breach', { p: words.percent(row.breach) })
            : row.still !== undefined && row.still !== null ? t('board.still', { p: words.percent(row.still) })
              : state === 'breached' && known !== null ? t(`sla.${known}`)
                : row.breach !== undefined ? ageOf(ticket, now, words)
                : ticket.dueAt !== null && ticket.dueAt > now ? t('board.left', { age: words.duration(ticket.dueAt - now) })
                  : t(`sla.${state}`)}
        </span>
        <span className="line second">{t(`geo.short.${ticket.geoSource}`, { m: ticket.radiusM === null ? '' : words.distance(ticket.radiusM) })}</span>
      </span>
    </button>
  )
}

// "≥ 51 h" where only the first sight is known.
export function ageOf(ticket: Ticket, now: number, { t, hours }: Words): string {
  if (ticket.openedAt === null) return t('list.noclock')
  const age = hours(Math.max(0, now - ticket.openedAt))
  return ticket.ageBound === 'at_least' ? t('list.age.bound', { age }) : age
}
