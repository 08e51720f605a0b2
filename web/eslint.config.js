import js from '@eslint/js'
import hooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['node_modules', 'dist'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...ts.configs.strictTypeChecked],
    languageOptions: { globals: globals.browser, parserOptions: { project: './tsconfig.json' } },
    plugins: { 'react-hooks': hooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Markup from data is how scripts get in: text is text.
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'Feed text is shown as text.' },
        { selector: "MemberExpression[property.name='innerHTML']", message: 'Feed text is shown as text.' },
        { selector: "CallExpression[callee.property.name='setHTML']", message: 'Feed text is shown as text.' },
      ],
    },
  },
  { files: ['public/**/*.js'], languageOptions: { globals: globals.serviceworker } },
)
