package redisstore_test

import (
	"strings"
	"testing"

	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestCheckNamesEveryRisk(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Start(t, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru").Client(t))
	risks := val(store.Check(t.Context()))(t)
	if len(risks) != 2 || risks[0].Setting != "maxmemory-policy" || risks[1].Setting != "appendonly" || !strings.Contains(risks[0].Problem, "allkeys-lru") {
		t.Errorf("risks = %+v", risks)
	}
}

func TestCheckAsksEveryNode(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Cluster(t, "--appendonly", "no"))
	for range 5 {
		if risks := val(store.Check(t.Context()))(t); len(risks) != 1 || risks[0].Setting != "appendonly" || risks[0].Unknown {
			t.Errorf("risks = %+v, want that one node has no append-only file", risks)
		}
	}
}
