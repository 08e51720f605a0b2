// The states of a part that has nothing to show, or not what it should: each says why and what helps.
import type { ReactNode } from 'react'
import { Problem } from '../api'
import { useWords } from '../i18n'

export function Loading({ rows = 8 }: { rows?: number }) {
  const { t } = useWords()
  return (
    <div className="skeleton" role="status">
      <span className="hidden">{t('loading')}</span>
      {Array.from({ length: rows }, (_, i) => <i key={i} />)}
    </div>
  )
}

export function FirstRun() {
  const { t } = useWords()
  return (
    <div className="state">
      <h2>{t('first.title')}</h2>
      <p>{t('first.text')}</p>
      <pre>{'python run_migrations.py\npython -m inc.import_inc --from-bucket --apply\npython -m crq.import_crq --from-bucket --apply'}</pre>
    </div>
  )
}

export function Empty({ text, action }: { text: string; action?: ReactNode }) {
  return (
    <div className="state">
      <p>{text}</p>
      {action}
    </div>
  )
}

export function Failed({ error, since, retry }: { error: Error; since?: number; retry: () => void }) {
  const { t, time } = useWords()
  const problem = error instanceof Problem ? error : null
  if (problem?.status === 404) return <Empty text={t('error.missing')} />
  return (
    <div className="state" role="alert">
      <h2>{t('error.title')}</h2>
      <p>
        {error.message}
        {since !== undefined && since > 0 ? ` · ${t('error.since', { time: time(since) })}` : ''}
        {problem?.id ? ` · ${t('error.id', { id: problem.id })}` : ''}
      </p>
      <p>{t('error.works')}</p>
      <button className="button" onClick={retry}>{t('error.retry')}</button>
    </div>
  )
}
