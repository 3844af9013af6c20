package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// speedReport is how fast a server is.
type speedReport struct {
	Start  float64 `json:"start"`  // seconds from launch.sh to the first answer with status 200; the median of three starts
	One    float64 `json:"one"`    // requests a second, one connection
	Many   float64 `json:"many"`   // requests a second, 32 connections
	Memory int64   `json:"memory"` // bytes, after that
}

const (
	starts          = 3
	manyConnections = 32
)

// speed starts a server some times, and counts what the last one answers.
func speed(ctx context.Context, o options) (any, error) {
	var r speedReport
	var times []time.Duration
	for range starts - 1 {
		s, err := start(ctx, o, 1)
		if err != nil {
			return nil, err
		}
		times = append(times, s.answer)
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	s, err := start(ctx, o, manyConnections)
	if err != nil {
		return nil, err
	}
	times = append(times, s.answer)
	slices.Sort(times)
	r.Start = times[starts/2].Seconds()
	if _, err := s.count(ctx, manyConnections, o.time/2); err != nil { // compilers of the language warm up
		return nil, errors.Join(err, s.stop())
	}
	if r.One, err = s.count(ctx, 1, o.time); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if r.Many, err = s.count(ctx, manyConnections, o.time); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if r.Memory, err = s.memory(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return &r, s.stop()
}

// count counts right answers of the fixture, in requests a second.
func (s *server) count(ctx context.Context, connections int, length time.Duration) (float64, error) {
	body := s.encode(call{Env: map[string]any{"ENV1": "Hello World!"}, Payload: "Hello World! 2", Timeout: 60})
	status, want, err := s.post(ctx, body, false)
	if err != nil || status != http.StatusOK {
		return 0, errors.Join(err, fmt.Errorf("status %d: %.300s", status, want))
	}
	var answers atomic.Int64
	errs := make([]error, connections)
	var wait sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		wait.Go(func() {
			for time.Since(begin) < length {
				// Members of an object come in any order: the length is the same.
				status, answer, err := s.post(ctx, body, false)
				if err != nil || status != http.StatusOK || len(bytes.TrimSpace(answer)) != len(bytes.TrimSpace(want)) {
					errs[i] = errors.Join(err, fmt.Errorf("status %d: %.300s", status, answer))
					return
				}
				answers.Add(1)
			}
		})
	}
	wait.Wait()
	return float64(answers.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}
