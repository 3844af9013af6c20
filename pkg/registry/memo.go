package registry

import "sync"

// memo remembers answers, so that nothing is asked twice, not even at once.
type memo[T any] struct {
	mu    sync.Mutex
	calls map[string]func() (T, error)
}

func (m *memo[T]) do(key string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	call, known := m.calls[key]
	if !known {
		if m.calls == nil {
			m.calls = map[string]func() (T, error){}
		}
		call = sync.OnceValues(ask)
		m.calls[key] = call
	}
	m.mu.Unlock()
	return call()
}

// put gives an answer that was found in another way.
func (m *memo[T]) put(key string, answer T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.calls[key]; !known {
		m.calls[key] = func() (T, error) { return answer, nil }
	}
}
