package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// Service is the stand-in for what the function calls.
type Service struct {
	URL string
	// Connections and Calls count what arrived.
	Connections, Calls atomic.Int64

	answers *ServiceAnswers
	mode    atomic.Pointer[Mode]
	server  *httptest.Server
}

// Mode says how the stand-in answers a request that it knows.
type Mode func(*Service, http.ResponseWriter, *http.Request)

// answering answers well.
func answering(s *Service, w http.ResponseWriter, r *http.Request) { s.answers.Good.write(w, r) }

// refusing says that the caller may not do that.
func refusing(s *Service, w http.ResponseWriter, r *http.Request) { s.answers.Refusal.write(w, r) }

// silent holds each request until its caller gives up.
func silent(_ *Service, _ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server notices that a caller left only once the body is read
	<-r.Context().Done()
}

// holding answers well once it is released.
func holding(release <-chan struct{}) Mode {
	return func(s *Service, w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			answering(s, w, r)
		case <-r.Context().Done():
		}
	}
}

// answeringWith answers with something from the provider's file.
func answeringWith(answer ServiceAnswer) Mode {
	return func(_ *Service, w http.ResponseWriter, r *http.Request) { answer.write(w, r) }
}

// startService starts the stand-in; nil when the provider's file describes none.
func (t *T) startService(mode Mode) *Service {
	if t.Provider.Service == nil {
		return nil
	}
	service := &Service{answers: t.Provider.Service}
	service.behave(mode)
	service.server = httptest.NewUnstartedServer(service)
	service.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			service.Connections.Add(1)
		}
	}
	service.server.Start()
	service.URL = service.server.URL
	t.atEnd(service.stop)
	return service
}

// needService is the stand-in of a case that makes no sense without one.
func (t *T) needService(mode Mode) *Service {
	service := t.startService(mode)
	if service == nil {
		t.notApplicable("the provider's file describes no service")
	}
	return service
}

// behave changes how requests are answered from now on; nothing changes where there is no service.
func (s *Service) behave(mode Mode) {
	if s != nil {
		s.mode.Store(&mode)
	}
}

// stop makes the service unreachable.
func (s *Service) stop() {
	s.server.CloseClientConnections()
	s.server.Close()
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Calls.Add(1)
	if has(r, s.answers.Header) {
		(*s.mode.Load())(s, w, r)
		return
	}
	for _, more := range s.answers.More {
		if has(r, more.Header) {
			more.Good.write(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// has tells whether a request has all these headers.
func has(r *http.Request, headers map[string]string) bool {
	for name, value := range headers {
		if r.Header.Get(name) != value {
			return false
		}
	}
	return true
}

func (a ServiceAnswer) write(w http.ResponseWriter, r *http.Request) {
	body, isText := a.Body.(string)
	if !isText {
		body = jsonText(a.Body)
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, withRequest(body, r))
}

var fromRequest = regexp.MustCompile(`\$\{request\.([^}]+)\}`)

// withRequest fills in what `${request.…}` stands for.
func withRequest(body string, r *http.Request) string {
	if !fromRequest.MatchString(body) {
		return body
	}
	var request any
	_ = json.NewDecoder(r.Body).Decode(&request) // a request without JSON has nothing at any path
	return fromRequest.ReplaceAllStringFunc(body, func(match string) string {
		return at(request, strings.Split(fromRequest.FindStringSubmatch(match)[1], "."))
	})
}

// at is the text at a path of keys and indices; empty: there is none.
func at(value any, path []string) string {
	for _, segment := range path {
		switch container := value.(type) {
		case map[string]any:
			value = container[segment]
		case []any:
			index, err := strconv.Atoi(segment)
			if err != nil || index < 0 || index >= len(container) {
				return ""
			}
			value = container[index]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only values that came from JSON are written
	}
	return string(text)
}
