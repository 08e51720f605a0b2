// Where a server with tokens asks for one; the browser then holds a session cookie, never the token.
import { useState, type SubmitEvent } from 'react'
import { post, Problem } from '../api'
import { useWords } from '../i18n'
import { useShared } from './state'

export function SignIn() {
  const { t } = useWords()
  const { store } = useShared()
  const [token, setToken] = useState('')
  const [failed, setFailed] = useState<string | null>(null)
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    try {
      await post('/api/session', { token: token.trim() })
      location.reload()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      setFailed(error.status === 401 ? t('signin.wrong') : error.message)
      void store.refresh()
    }
  }
  return (
    <form className="state" onSubmit={(event) => void send(event)}>
      <h2>{t('signin.title')}</h2>
      <label className="field">
        {t('signin.label')} <input className="button" type="password" autoComplete="current-password" value={token} onChange={(event) => { setToken(event.target.value) }} />
      </label>
      {failed !== null && <p role="alert" className="bad">{failed}</p>}
      <button className="button main">{t('signin.go')}</button>
    </form>
  )
}
