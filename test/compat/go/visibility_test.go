package compat

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

func hourAgo() *shared.StartTimeFilter { return timeFilter(time.Now().Add(-time.Hour)) }

func (s *scenario) listOpen(request shared.ListOpenWorkflowExecutionsRequest) []*shared.WorkflowExecutionInfo {
	s.Helper()
	request.MaximumPageSize, request.StartTimeFilter = ptr(int32(100)), hourAgo()
	response, err := s.client.ListOpenWorkflow(s.ctx, &request)
	require.NoError(s, err)
	return response.GetExecutions()
}

func (s *scenario) listClosed(request shared.ListClosedWorkflowExecutionsRequest) []*shared.WorkflowExecutionInfo {
	s.Helper()
	request.MaximumPageSize, request.StartTimeFilter = ptr(int32(100)), hourAgo()
	response, err := s.client.ListClosedWorkflow(s.ctx, &request)
	require.NoError(s, err)
	return response.GetExecutions()
}

// uniqueType is a workflow type of this scenario only, so that lists by type find nothing else.
func uniqueType() string { return "type-" + uuid.New()[:8] }

func TestListOpen(t *testing.T) {
	s := newScenario(t)
	kind := uniqueType()
	var runs []client.WorkflowRun
	for range 3 {
		runs = append(runs, s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.Memo = map[string]any{"k": "v"} }), kind))
	}
	byType := shared.ListOpenWorkflowExecutionsRequest{TypeFilter: &shared.WorkflowTypeFilter{Name: &kind}}
	s.until("all are listed by type", func() bool { return len(s.listOpen(byType)) == 3 })
	byID := shared.ListOpenWorkflowExecutionsRequest{ExecutionFilter: &shared.WorkflowExecutionFilter{WorkflowId: ptr(runs[1].GetID())}}
	listed := s.listOpen(byID)
	require.Len(t, listed, 1)
	require.Equal(t, runs[1].GetRunID(), listed[0].GetExecution().GetRunId())
	require.Equal(t, kind, listed[0].GetType().GetName())
	require.NotZero(t, listed[0].GetStartTime())
	require.Nil(t, listed[0].CloseStatus)
	require.JSONEq(t, `"v"`, string(listed[0].GetMemo().GetFields()["k"]))

	page, err := s.client.ListOpenWorkflow(s.ctx, &shared.ListOpenWorkflowExecutionsRequest{
		MaximumPageSize: ptr(int32(2)), StartTimeFilter: hourAgo(), TypeFilter: byType.TypeFilter,
	})
	require.NoError(t, err)
	require.Len(t, page.GetExecutions(), 2)
	require.NotEmpty(t, page.GetNextPageToken())
	// The newest come first.
	require.Equal(t, runs[2].GetRunID(), page.GetExecutions()[0].GetExecution().GetRunId())
	for _, run := range runs {
		require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "end of test", nil))
	}
	s.until("none are open", func() bool { return len(s.listOpen(byType)) == 0 })
}

func TestListClosed(t *testing.T) {
	s := newScenario(t)
	kind := uniqueType()
	s.workflow(kind, endWith)
	s.startWorker()
	good, bad := s.start(kind, "ok"), s.start(kind, "bad")
	require.NoError(t, good.Get(s.ctx, nil))
	require.Error(t, bad.Get(s.ctx, nil))

	byType := shared.ListClosedWorkflowExecutionsRequest{TypeFilter: &shared.WorkflowTypeFilter{Name: &kind}}
	s.until("both are listed by type", func() bool { return len(s.listClosed(byType)) == 2 })
	byID := shared.ListClosedWorkflowExecutionsRequest{ExecutionFilter: &shared.WorkflowExecutionFilter{WorkflowId: ptr(bad.GetID())}}
	listed := s.listClosed(byID)
	require.Len(t, listed, 1)
	require.Equal(t, bad.GetRunID(), listed[0].GetExecution().GetRunId())
	require.Equal(t, shared.WorkflowExecutionCloseStatusFailed, listed[0].GetCloseStatus())
	require.NotZero(t, listed[0].GetCloseTime())
	require.Equal(t, int64(len(s.rawHistory(bad.GetID(), bad.GetRunID()))), listed[0].GetHistoryLength())

	failed := shared.WorkflowExecutionCloseStatusFailed
	for _, info := range s.listClosed(shared.ListClosedWorkflowExecutionsRequest{StatusFilter: &failed}) {
		require.Equal(t, failed, info.GetCloseStatus())
	}
}

func TestInvalidListRequests(t *testing.T) {
	s := newScenario(t)
	ctx, done := s.call()
	defer done()
	_, err := service.ListOpenWorkflowExecutions(ctx, &shared.ListOpenWorkflowExecutionsRequest{Domain: &domain})
	requireBadRequest(s, "StartTimeFilter is required", err)
	_, err = service.ListClosedWorkflowExecutions(ctx, &shared.ListClosedWorkflowExecutionsRequest{Domain: &domain})
	requireBadRequest(s, "StartTimeFilter is required", err)
	backwards := &shared.StartTimeFilter{EarliestTime: ptr(int64(2e18)), LatestTime: ptr(int64(1e18))}
	_, err = service.ListOpenWorkflowExecutions(ctx, &shared.ListOpenWorkflowExecutionsRequest{Domain: &domain, StartTimeFilter: backwards})
	requireBadRequest(s, "EarliestTime in StartTimeFilter should not be larger than LatestTime", err)
}

func TestGetSearchAttributes(t *testing.T) {
	s := newScenario(t)
	attributes, err := s.client.GetSearchAttributes(s.ctx)
	require.NoError(t, err)
	keys := attributes.GetKeys()
	require.Equal(t, shared.IndexedValueTypeKeyword, keys["WorkflowType"])
	require.Equal(t, shared.IndexedValueTypeKeyword, keys["CustomKeywordField"])
	require.Equal(t, shared.IndexedValueTypeInt, keys["CustomIntField"])
	require.Equal(t, shared.IndexedValueTypeDatetime, keys["CustomDatetimeField"])
}

func TestUpsertSearchAttributes(t *testing.T) {
	s := newScenario(t)
	s.workflow("upsert", func(ctx workflow.Context) error {
		return workflow.UpsertSearchAttributes(ctx, map[string]any{"CustomIntField": 1, "CustomKeywordField": "red"})
	})
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.SearchAttributes = map[string]any{"CustomKeywordField": "blue", "CustomBoolField": true}
	}), "upsert")
	require.NoError(t, run.Get(s.ctx, nil))
	s.expectHistory(run, `Begin UpsertWorkflowSearchAttributes Complete`)
	fields := s.describe(run).GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	require.JSONEq(t, `"red"`, string(fields["CustomKeywordField"]))
	require.JSONEq(t, `1`, string(fields["CustomIntField"]))
	require.JSONEq(t, `true`, string(fields["CustomBoolField"]))
}

func TestInvalidSearchAttributes(t *testing.T) {
	s := newScenario(t)
	for text, attributes := range map[string]map[string]any{
		"NoSuchField is not a valid search attribute key":                     {"NoSuchField": 1},
		`"text" is not a valid search attribute value for key CustomIntField`: {"CustomIntField": "text"},
		// The misspelling is Cadence's.
		"WorkflowID is read-only Cadence reservered attribute": {"WorkflowID": "mine"},
	} {
		options := s.startOptions(func(o *client.StartWorkflowOptions) { o.SearchAttributes = attributes })
		_, err := s.client.StartWorkflow(s.ctx, options, "nobody")
		requireBadRequest(s, text, err)
	}
}

// advanced skips what a server with basic visibility must refuse.
func advanced(t *testing.T) *scenario {
	t.Helper()
	if os.Getenv("ANTIPHON_COMPAT_ADVANCED_VISIBILITY") != "1" {
		t.Skip("needs advanced visibility; set ANTIPHON_COMPAT_ADVANCED_VISIBILITY=1")
	}
	return newScenario(t)
}

func (s *scenario) listQuery(query string) []*shared.WorkflowExecutionInfo {
	s.Helper()
	response, err := s.client.ListWorkflow(s.ctx, &shared.ListWorkflowExecutionsRequest{PageSize: ptr(int32(100)), Query: &query})
	require.NoError(s, err)
	return response.GetExecutions()
}

func TestAdvancedListByQuery(t *testing.T) {
	s := advanced(t)
	kind := uniqueType()
	s.workflow(kind, func(ctx workflow.Context, n int, color string) error {
		return workflow.UpsertSearchAttributes(ctx, map[string]any{"CustomIntField": n, "CustomKeywordField": color})
	})
	s.startWorker()
	for n, color := range []string{"red", "green", "red"} {
		options := s.startOptions(func(o *client.StartWorkflowOptions) { o.Memo = map[string]any{"n": n} })
		require.NoError(t, s.startWith(options, kind, n, color).Get(s.ctx, nil))
	}
	of := fmt.Sprintf("WorkflowType = '%s'", kind)
	s.until("all are indexed", func() bool {
		return len(s.listQuery(of+" and CloseStatus = 0 and CustomIntField >= 0")) == 3
	})
	for query, want := range map[string]int{
		" and CustomKeywordField = 'red'":                                 2,
		" and CustomKeywordField != 'red'":                                1,
		" and CustomKeywordField in ('green', 'blue')":                    1,
		" and CustomIntField > 0":                                         2,
		" and CustomIntField between 1 and 2":                             2,
		" and (CustomIntField = 0 or CustomKeywordField = 'green')":       2,
		" and CloseStatus = 'COMPLETED'":                                  3,
		" and CloseStatus = 'FAILED'":                                     0,
		" and CloseTime = missing":                                        0,
		" and StartTime > '2020-01-01T00:00:00Z' order by StartTime desc": 3,
	} {
		require.Lenf(t, s.listQuery(of+query), want, "query %s", query)
	}
	first := s.listQuery(of + " and CustomIntField = 1")
	require.Len(t, first, 1)
	require.JSONEq(t, "1", string(first[0].GetMemo().GetFields()["n"]))
	require.JSONEq(t, `"green"`, string(first[0].GetSearchAttributes().GetIndexedFields()["CustomKeywordField"]))
}

func TestAdvancedCountAndScan(t *testing.T) {
	s := advanced(t)
	kind := uniqueType()
	const count = 7
	for range count {
		s.start(kind)
	}
	query := fmt.Sprintf("WorkflowType = '%s' and CloseTime = missing", kind)
	s.until("all are counted", func() bool {
		counted, err := s.client.CountWorkflow(s.ctx, &shared.CountWorkflowExecutionsRequest{Query: &query})
		require.NoError(t, err)
		return counted.GetCount() == count
	})
	seen := map[string]bool{}
	var token []byte
	for more := true; more; more = len(token) > 0 {
		page, err := s.client.ScanWorkflow(s.ctx, &shared.ListWorkflowExecutionsRequest{
			PageSize: ptr(int32(3)), Query: &query, NextPageToken: token,
		})
		require.NoError(t, err)
		for _, info := range page.GetExecutions() {
			seen[info.GetExecution().GetRunId()] = true
		}
		token = page.GetNextPageToken()
	}
	require.Len(t, seen, count)
}

func TestAdvancedPagesAndOrder(t *testing.T) {
	s := advanced(t)
	kind := uniqueType()
	const count = 5
	for n := range count {
		s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
			o.SearchAttributes = map[string]any{"CustomIntField": n}
		}), kind)
	}
	base := fmt.Sprintf("WorkflowType = '%s'", kind)
	s.until("all are indexed", func() bool { return len(s.listQuery(base)) == count })
	newest := s.listQuery(base)
	require.JSONEq(t, "4", string(newest[0].GetSearchAttributes().GetIndexedFields()["CustomIntField"]), "the newest come first")

	query := base + " order by CustomIntField asc"
	var order []string
	var token []byte
	for more := true; more; more = len(token) > 0 {
		page, err := s.client.ListWorkflow(s.ctx, &shared.ListWorkflowExecutionsRequest{
			PageSize: ptr(int32(2)), Query: &query, NextPageToken: token,
		})
		require.NoError(t, err)
		for _, info := range page.GetExecutions() {
			order = append(order, string(info.GetSearchAttributes().GetIndexedFields()["CustomIntField"]))
		}
		token = page.GetNextPageToken()
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, order)
}

func TestAdvancedChangeVersionIsSearchable(t *testing.T) {
	s := advanced(t)
	kind := uniqueType()
	s.workflow(kind, func(ctx workflow.Context) error {
		workflow.GetVersion(ctx, kind, workflow.DefaultVersion, 2)
		return sleepLong(ctx)
	})
	s.startWorker()
	run := s.start(kind)
	query := fmt.Sprintf("CadenceChangeVersion = '%s-2' and CloseTime = missing", kind)
	s.until("the open workflow is found by its version", func() bool { return len(s.listQuery(query)) == 1 })
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "end of test", nil))
	s.until("it is closed", func() bool { return len(s.listQuery(query)) == 0 })
}

func TestAdvancedBadQueries(t *testing.T) {
	s := advanced(t)
	for query, text := range map[string]string{
		"WorkflowType =":              "Invalid query.",
		"NoSuchField = 1":             `invalid search attribute "NoSuchField"`,
		"WorkflowType = 'a' order by": "Invalid query.",
	} {
		_, err := s.client.ListWorkflow(s.ctx, &shared.ListWorkflowExecutionsRequest{PageSize: ptr(int32(10)), Query: &query})
		requireBadQuery(s, text, err)
	}
}
