package consent

import (
	"context"
	"time"
)

// handOutPage is how many records are read at a time.
const handOutPage = 1000

// partitions is how many parts a store has.
const partitions = 256

// HandOutLog gives each the hand-outs since a moment that are still kept,
// allowed and denied, partition by partition and in order within one. Cut is
// the number of partitions that may have held more: only so many are kept in
// each.
func (s *Service) HandOutLog(ctx context.Context, since time.Time, each func(HandOutRecord) error) (cut int, err error) {
	for p := range Partition(partitions) {
		missing, err := s.handOutsOf(ctx, p, since, each)
		if err != nil {
			return cut, err
		}
		if missing {
			cut++
		}
	}
	return cut, nil
}

func (s *Service) handOutsOf(ctx context.Context, p Partition, since time.Time, each func(HandOutRecord) error) (missing bool, err error) {
	for place := ""; ; {
		page, err := s.c.Store.HandOutLog(ctx, p, place, handOutPage)
		if err != nil {
			return missing, err
		}
		if place == "" && page.Full && len(page.Records) > 0 {
			missing = page.Records[0].At.After(since)
		}
		for _, r := range page.Records {
			if r.At.Before(since) {
				continue
			}
			if err := each(r); err != nil {
				return missing, err
			}
		}
		if place = page.Next; place == "" {
			return missing, nil
		}
	}
}
