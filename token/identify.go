package token

import "context"

// Identify exchanges the code of a sign-in and returns who signed in. The
// grant that comes with it is for nobody: it is not sealed and not stored, and
// forget gives it back to the bank, which is tried once. Both go on when their
// caller has left.
func (v *Vault) Identify(bank string, r Redemption) (who Identity, forget func() (Revocation, error), err error) {
	var g Grant
	err = v.atBank(bank, func(ctx context.Context, b Bank) error {
		g, who, err = b.Redeem(ctx, r)
		return err
	})
	if err != nil {
		return Identity{}, nil, err
	}
	return who, func() (outcome Revocation, err error) {
		outcome = RevocationFailed
		err = v.atBank(bank, func(ctx context.Context, b Bank) error {
			outcome, err = b.Revoke(ctx, g)
			return err
		})
		return outcome, err
	}, nil
}
