// The mark of an SLA state: a shape, a colour, and beside it always the word.
import { useWords } from '../i18n'
import type { SlaState } from '../model/sla'

export const COLOURS: Record<SlaState, string> = {
  breached: 'var(--breached)', at_risk: 'var(--at-risk)', on_track: 'var(--on-track)',
  unknown: 'var(--unknown)', none: 'none',
}

export const PATHS: Record<SlaState, string> = {
  breached: 'M10 2 18 10 10 18 2 10Z',
  at_risk: 'M10 2.5 18 17 2 17Z',
  on_track: 'M10 3a7 7 0 1 1 0 14 7 7 0 1 1 0-14Z',
  unknown: 'M10 3a7 7 0 1 1 0 14 7 7 0 1 1 0-14ZM10 7a3 3 0 1 0 0 6 3 3 0 1 0 0-6Z',
  none: 'M4.5 4.5h11v11h-11Z',
}

export function Shape({ state, small = false }: { state: SlaState; small?: boolean }) {
  return (
    <svg className={small ? 'shape small' : 'shape'} viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[state]} fill={COLOURS[state]} fillRule="evenodd" stroke="var(--hairline)" strokeWidth="0.9" />
    </svg>
  )
}

export function StateWord({ state }: { state: SlaState }) {
  const { t } = useWords()
  return (
    <span className="word">
      <Shape state={state} small />
      {t(`sla.${state}`)}
    </span>
  )
}
