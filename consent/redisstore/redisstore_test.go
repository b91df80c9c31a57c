package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/consent/storetest"
)

func newStore(t *testing.T, c redis.UniversalClient) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(redisstore.Config{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreOnEmbeddedRedis(t *testing.T) {
	storetest.Run(t, func(t *testing.T) consent.Store {
		m, c := redistest.Embedded(t)
		m.ClockTTL(false) // with it, each command looks at every key
		return newStore(t, c)
	})
}

func TestStoreOnRealRedis(t *testing.T) {
	runOn(t, redistest.Start(t).Client(t))
}

func TestStoreOnRedisCluster(t *testing.T) {
	runOn(t, redistest.Cluster(t))
}

func runOn(t *testing.T, client redis.UniversalClient) {
	storetest.Run(t, func(t *testing.T) consent.Store {
		redistest.Clear(t, client)
		return newStore(t, client)
	})
}
