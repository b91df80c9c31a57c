package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/config"
)

// newLog makes a log. It redacts nothing itself: secrets are types that do
// not print.
func newLog(w io.Writer, form config.LogFormat, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if form == config.LogText {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// bridgeRedis sends what the Redis library has to say, which it says to a
// logger of the whole process, to our log.
func bridgeRedis(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

type redisLog struct{ log *slog.Logger }

// Printf has the signature that the library wants. Its lines have no level;
// all of them tell of something that went wrong.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.WarnContext(ctx, "redis library", slog.String("line", fmt.Sprintf(format, args...)))
}
