// The list of keys.
import { useEffect, useRef } from 'react'
import { useWords, type MessageKey } from '../i18n'

const KEYS: [string[], MessageKey][] = [
  [['1', '–', '8'], 'help.screens'],
  [['/'], 'help.search'],
  [['j', 'k'], 'help.list'],
  [['Enter'], 'help.open'],
  [['Esc'], 'help.esc'],
  [['f'], 'help.filters'],
  [['[', ']'], 'help.days'],
  [['Space'], 'help.play'],
  [['e'], 'help.export'],
  [['l'], 'help.language'],
  [['?'], 'help.help'],
  [['a', 'r', 'm', 'c', 'u', 's'], 'help.review'],
  [['p'], 'help.assign'],
  [['n', 'o', 'c', 'p'], 'help.dispatch'],
  [['u', 'd', 'x'], 'help.stop'],
]

export function Help({ open, close }: { open: boolean; close: () => void }) {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  return (
    <dialog className="dialog" ref={dialog} onClose={close} aria-labelledby="keys">
      <header>
        <h2 id="keys">{t('help.title')}</h2>
        <button className="button" onClick={close}>{t('help.close')}</button>
      </header>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={what} style={{ display: 'contents' }}>
            <dt>{keys.map((key) => (key === '–' ? <span key={key}> – </span> : <kbd key={key}>{key}</kbd>))}</dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
