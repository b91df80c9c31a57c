package redisstore

import (
	"context"
	"time"
)

// credentialKeep is how long the last use of a credential is known.
const credentialKeep = 400 * 24 * time.Hour

func credentials(app string) string { return "{app:" + app + "}:credentials" }

// CredentialUsed keeps when a credential of an app was used last. Its name is
// public.
func (s *Store) CredentialUsed(ctx context.Context, app, credential string, at time.Time) error {
	return s.verdict(ctx, "used", nil, []string{credentials(app)}, credential, at.UnixMilli(), credentialKeep.Milliseconds())
}

// CredentialUses returns when the credentials of an app were used last, by
// their names. Those that never were are not in it.
func (s *Store) CredentialUses(ctx context.Context, app string) (map[string]time.Time, error) {
	h, err := s.c.Client.HGetAll(ctx, credentials(app)).Result()
	if err != nil {
		return nil, unavailable("credential uses", err)
	}
	out := make(map[string]time.Time, len(h))
	for credential, at := range h {
		out[credential] = instant(at)
	}
	return out, nil
}
