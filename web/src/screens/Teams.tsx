// Screen 4: who closed what, how long it took, and what came back. Small numbers are shown and not ranked.
import { useQuery } from '@tanstack/react-query'
import { json } from '../api'
import { useWords } from '../i18n'
import { useShared } from '../ui/state'
import { Failed, Loading } from '../ui/States'
import { type Coverage, useSpan } from './data'
import { FilterNote, NotCovered, WindowPicker } from './WindowPicker'

interface Team {
  team: string
  closed: number
  is_small: boolean
  from_assigned_team: number
  from_owner: number
  mttr: { n: number; median: number | null; p90: number | null }
  within_48h: number | null
  reopened: number
  repeats: number
  open: number
}

interface Teams {
  window: { coverage: Coverage }
  small_n: number
  teams: Team[] | null
}

const UNASSIGNED = '(unassigned)'

export default function Teams() {
  const { view, live } = useShared()
  const { t, number } = useWords()
  const { cluster } = view.filter
  const dataset = view.filter.dataset ?? 'inc'
  const span = useSpan()
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['teams', span.window, span.from, span.to, cluster, dataset, live.rev],
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ window: span.window, dataset })
      if (cluster !== null) query.set('cluster', cluster)
      if (span.window === 'custom' && span.from !== null) query.set('from', span.from)
      if (span.window === 'custom' && span.to !== null) query.set('to', span.to)
      return json<Teams>(`/api/teams?${query.toString()}`, { signal })
    },
  })
  // Ranked first by closures, then those too few to rank, by name; the unassigned always have their row, last.
  const teams = [...(data?.teams ?? [])].sort((a, b) =>
    Number(a.team === UNASSIGNED) - Number(b.team === UNASSIGNED) || Number(a.is_small) - Number(b.is_small)
    || (a.is_small ? a.team.localeCompare(b.team) : b.closed - a.closed))
  const hours = (minutes: number | null): string => (minutes === null ? '–' : t('trends.hours', { h: number(minutes / 60, 1) }))
  return (
    <>
      <header><h1>{t('screen.teams')} · {dataset.toUpperCase()}</h1><WindowPicker /></header>
      <FilterNote names={['cluster']} />
      {error !== null && <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>}
      {isPending && <div className="panel"><Loading /></div>}
      {data !== undefined && <NotCovered coverage={data.window.coverage} />}
      {teams.length > 0 && (
        <div className="panel">
          <p className="soft">{t('teams.note')} {t('teams.small', { n: number(data?.small_n ?? 20) })}</p>
          <div className="scroll" tabIndex={0} role="group">
            <table>
              <thead>
                <tr>
                  <th>{t('teams.team')}</th>
                  {(['closed', 'median', 'p90', 'reopened', 'repeat', 'open'] as const).map((name) => <th key={name} className="number">{t(`teams.${name}`)}</th>)}
                  <th>{t('teams.source')}</th>
                </tr>
              </thead>
              <tbody>
                {teams.map((team) => (
                  <tr key={team.team} className={team.is_small || team.team === UNASSIGNED ? 'small' : ''}>
                    <td>{team.team === UNASSIGNED ? t('teams.unassigned') : team.team}</td>
                    <td className="number">{number(team.closed)}</td>
                    <td className="number">{hours(team.mttr.median)} <span className="soft">{t('trends.n', { n: number(team.mttr.n) })}</span></td>
                    <td className="number">{hours(team.mttr.p90)}</td>
                    <td className="number">{number(team.reopened)}</td>
                    <td className="number">{number(team.repeats)}</td>
                    <td className="number">{number(team.open)}</td>
                    <td className="soft">{[team.from_assigned_team > 0 && t('drawer.team'), team.from_owner > 0 && t('drawer.owner')].filter(Boolean).join(', ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
    </>
  )
}
