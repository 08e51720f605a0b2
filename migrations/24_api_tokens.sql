-- Who may read over HTTP. Of a token only its SHA-256 is kept: 256 random bits need no slow hash.

CREATE TABLE tickets.api_tokens (
    token_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (token_id),
    CONSTRAINT api_tokens_secret_is_given_once UNIQUE (secret_sha256),
    CONSTRAINT api_tokens_scopes_are_known
        CHECK (scopes <@ ARRAY['read', 'pii', 'review', 'dispatch', 'admin'] AND cardinality(scopes) > 0),
    CONSTRAINT api_tokens_name_is_readable CHECK (btrim(name) <> '' AND length(name) <= 100)
);
COMMENT ON TABLE tickets.api_tokens IS 'Bearer tokens of the HTTP API, hashed; a revoked one stays for the record';
