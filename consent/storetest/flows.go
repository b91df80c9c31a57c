package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

func linkOneBrowser(t *testing.T, f *fixture) {
	ctx := t.Context()
	_, err := f.Link(ctx, "key")
	wantErr(t, err, consent.ErrLinkGone)
	_, err = f.UseLink(ctx, "key", "mine")
	wantErr(t, err, consent.ErrLinkGone)
	must(t, f.PutLink(ctx, "key", []byte{1, 0}, f.now.Add(time.Minute)))
	for range 3 {
		box, err := f.Link(ctx, "key")
		must(t, err)
		if string(box) != "\x01\x00" {
			t.Fatalf("box = %q", box)
		}
	}
	for range 2 {
		_, err = f.UseLink(ctx, "key", "mine")
		must(t, err)
	}
	_, err = f.UseLink(ctx, "key", "other")
	wantErr(t, err, consent.ErrLinkUsed)
	must(t, f.PutLink(ctx, "late", []byte{1}, f.now.Add(-time.Second)))
	_, err = f.Link(ctx, "late")
	wantErr(t, err, consent.ErrLinkGone)
}

func flowTakenOnce(t *testing.T, f *fixture) {
	ctx := t.Context()
	wantErr(t, f.TakeFlow(ctx, "key", "a"), consent.ErrFlowGone)
	must(t, f.PutFlow(ctx, "key", []byte{7}, f.now.Add(time.Minute)))
	won := make(chan string, 20)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if taker := fmt.Sprint(i); f.TakeFlow(ctx, "key", taker) == nil {
				won <- taker
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("taken %d times, want once", len(won))
	}
	must(t, f.TakeFlow(ctx, "key", <-won))
	wantErr(t, f.TakeFlow(ctx, "key", "another"), consent.ErrFlowTaken)
	r, err := f.Flow(ctx, "key")
	must(t, err)
	if !r.Taken || string(r.Box) != "\x07" || r.Result != nil {
		t.Errorf("flow = %+v", r)
	}
	must(t, f.PutResult(ctx, "key", []byte{8}, f.now.Add(time.Hour)))
	if r, err = f.Flow(ctx, "key"); err != nil || string(r.Result) != "\x08" || len(r.Box) != 0 || !r.Taken {
		t.Errorf("flow = %+v, %v", r, err)
	}
}
