// Screen 2: what is late and what will be, in the order it falls due.
import { useMemo } from 'react'
import { useWords, type MessageKey } from '../i18n'
import { passes } from '../model/filter'
import { byUrgency, evidence, stateAt, type SlaState } from '../model/sla'
import { Drawer } from '../ui/Drawer'
import { Filters } from '../ui/Filters'
import { Shape } from '../ui/Shape'
import { useShared } from '../ui/state'
import { Empty, Failed, Loading } from '../ui/States'
import { type Row, TicketList } from '../ui/TicketList'
import { countStates } from '../model/sla'
import { useChances } from './data'

const COLUMNS = [
  ['breached_proven', 'breached'], ['breached_presumed', 'breached'], ['at_risk', 'at_risk'],
] as const satisfies [string, SlaState][]

export function Board() {
  const { view, go, live, past, store, now, clocks } = useShared()
  const { t, number } = useWords()
  const chances = useChances()
  const tickets = view.at === null ? live.tickets : past.data?.tickets
  const { filter } = view

  const [columns, rest, open, counts] = useMemo(() => {
    const found: Record<(typeof COLUMNS)[number][0], Row[]> = { breached_proven: [], breached_presumed: [], at_risk: [] }
    const others = { on_track: 0, unknown: 0, none: 0 }
    // The board is by the clock, and tells beside it what is proven: the basis of the map has no say here.
    const shown = (tickets ?? []).filter((ticket) => passes(ticket, filter, 'clock', clocks)).sort(byUrgency)
    for (const ticket of shown) {
      const state = stateAt(ticket, now)
      const chance = chances?.get(ticket.key)
      const row: Row = { ticket, state, still: chance?.still ?? null, breach: chance?.breach ?? null }
      if (state === 'breached') found[evidence(ticket, now, clocks.contentAsOf[ticket.dataset]) === 'proven' ? 'breached_proven' : 'breached_presumed'].push(row)
      else if (state === 'at_risk') found.at_risk.push(row)
      else others[state] += 1
    }
    const all = (tickets ?? []).filter((ticket) => passes(ticket, filter, 'clock', clocks, 'sla'))
    return [found, others, shown.length, countStates(all.map((ticket) => stateAt(ticket, now)))]
  }, [tickets, filter, clocks, now, chances])

  if (tickets === undefined) return live.problem === null ? <Loading /> : <Failed error={live.problem} retry={() => void store.refresh()} />
  const parts = [...COLUMNS.map(([name]) => columns[name].length), rest.on_track, rest.unknown, rest.none]
  return (
    <>
      <header>
        <h1>{t('screen.board')}</h1>
        <p data-sum={open}><strong>{t('board.sum', { sum: parts.map((n) => number(n)).join(' + '), open: number(open) })}</strong></p>
        <p className="soft">{t('board.rest', { on_track: number(rest.on_track), unknown: number(rest.unknown), none: number(rest.none) })}</p>
      </header>
      <div className="panel" style={{ padding: 0, overflow: 'hidden' }}><Filters tickets={tickets} counts={counts} onMap={false} /></div>
      <div className="board">
        {COLUMNS.map(([name, state]) => (
          <section className="column" key={name} aria-label={t(`board.${name}`)} data-column={name}>
            <h2><Shape state={state} />{t(`board.${name}` as MessageKey)}<b>{number(columns[name].length)}</b></h2>
            {columns[name].length === 0
              ? <Empty text={t('board.nothing')} />
              : <TicketList rows={columns[name]} label={t(`board.${name}`)} onOpen={(ticket) => { go({ ticket }) }} />}
          </section>
        ))}
      </div>
      {view.ticket !== null && (
        <div style={{ position: 'fixed', inset: '0 0 0 auto', width: 'min(420px, 100%)', zIndex: 8 }}>
          <Drawer ticket={tickets.find(({ key }) => key === view.ticket) ?? null} id={view.ticket} />
        </div>
      )}
    </>
  )
}
