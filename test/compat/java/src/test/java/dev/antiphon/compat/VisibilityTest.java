package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.uber.cadence.CountWorkflowExecutionsRequest;
import com.uber.cadence.EventType;
import com.uber.cadence.HistoryEventFilterType;
import com.uber.cadence.ListClosedWorkflowExecutionsRequest;
import com.uber.cadence.ListOpenWorkflowExecutionsRequest;
import com.uber.cadence.ListWorkflowExecutionsRequest;
import com.uber.cadence.PendingActivityState;
import com.uber.cadence.WorkflowExecutionCloseStatus;
import com.uber.cadence.WorkflowExecutionFilter;
import com.uber.cadence.WorkflowExecutionInfo;
import com.uber.cadence.activity.Activity;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.workflow.Workflow;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What can be seen of runs from outside: lists, memo, search attributes, describe, history. */
@ExtendWith(Scenario.Extension.class)
class VisibilityTest {
  private static Contracts.Code waits() {
    return (self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return self.told.get(0);
    };
  }

  private static WorkflowExecutionFilter withId(String workflowId) {
    return new WorkflowExecutionFilter().setWorkflowId(workflowId);
  }

  @Test
  void aRunMovesFromTheOpenToTheClosedList(Scenario s) {
    s.flow(waits()).work();
    WorkflowStub run = s.start("", o -> o.setMemo(Map.of("note", "kept")));
    String id = run.getExecution().getWorkflowId();
    ListOpenWorkflowExecutionsRequest open =
        new ListOpenWorkflowExecutionsRequest()
            .setDomain(Server.DOMAIN)
            .setMaximumPageSize(10)
            .setStartTimeFilter(Server.sinceAnHour())
            .setExecutionFilter(withId(id));
    Scenario.until("the run is listed as open", () -> Server.SERVICE.ListOpenWorkflowExecutions(open).getExecutions().size() == 1);
    WorkflowExecutionInfo info = Server.SERVICE.ListOpenWorkflowExecutions(open).getExecutions().get(0);
    assertEquals("Flow", info.getType().getName());
    assertEquals("\"kept\"", new String(info.getMemo().getFields().get("note")));
    run.signal("tell", "end");
    assertEquals("end", result(run));
    ListClosedWorkflowExecutionsRequest closed =
        new ListClosedWorkflowExecutionsRequest()
            .setDomain(Server.DOMAIN)
            .setMaximumPageSize(10)
            .setStartTimeFilter(Server.sinceAnHour())
            .setExecutionFilter(withId(id));
    Scenario.until("the run is listed as closed", () -> Server.SERVICE.ListClosedWorkflowExecutions(closed).getExecutions().size() == 1);
    info = Server.SERVICE.ListClosedWorkflowExecutions(closed).getExecutions().get(0);
    assertEquals(WorkflowExecutionCloseStatus.COMPLETED, info.getCloseStatus());
    assertEquals(s.history(run.getExecution()).size(), info.getHistoryLength());
    Scenario.until("it is no longer open", () -> Server.SERVICE.ListOpenWorkflowExecutions(open).getExecutions().isEmpty());
  }

  @Test
  void searchAttributesOfTheStartAreFoundByQuery(Scenario s) {
    assumeTrue(Server.hasAdvancedVisibility(), "lists by query need advanced visibility");
    s.flow(waits()).work();
    String keyword = "k" + UUID.randomUUID();
    WorkflowStub run = s.start("", o -> o.setSearchAttributes(Map.of("CustomKeywordField", keyword, "CustomIntField", 7)));
    String query = "CustomKeywordField = '" + keyword + "' AND CustomIntField > 5";
    var listed = untilListed(query);
    assertEquals(run.getExecution().getRunId(), listed.getExecution().getRunId());
    assertEquals("7", new String(listed.getSearchAttributes().getIndexedFields().get("CustomIntField")));
    assertEquals(1, Server.SERVICE.CountWorkflowExecutions(new CountWorkflowExecutionsRequest().setDomain(Server.DOMAIN).setQuery(query)).getCount());
    assertEquals(0, Server.SERVICE.CountWorkflowExecutions(new CountWorkflowExecutionsRequest().setDomain(Server.DOMAIN).setQuery(query + " AND CloseTime != missing")).getCount());
    run.signal("tell", "end");
    result(run);
  }

  @Test
  void upsertedSearchAttributesReplaceThoseOfTheStart(Scenario s) {
    String keyword = "k" + UUID.randomUUID();
    s.flow((self, input) -> {
      Workflow.upsertSearchAttributes(Map.of("CustomKeywordField", keyword));
      Workflow.await(() -> !self.told.isEmpty());
      return "upserted";
    }).work();
    WorkflowStub run = s.start("", o -> o.setSearchAttributes(Map.of("CustomKeywordField", "old", "CustomIntField", 1)));
    s.untilEvent(run, EventType.UpsertWorkflowSearchAttributes);
    var fields = s.describe(run.getExecution()).getWorkflowExecutionInfo().getSearchAttributes().getIndexedFields();
    assertEquals("\"" + keyword + "\"", new String(fields.get("CustomKeywordField")));
    assertEquals("1", new String(fields.get("CustomIntField")));
    if (Server.hasAdvancedVisibility()) {
      assertEquals(run.getExecution().getRunId(), untilListed("CustomKeywordField = '" + keyword + "'").getExecution().getRunId());
    }
    run.signal("tell", "end");
    result(run);
    s.expectHistory(run, "Begin UpsertWorkflowSearchAttributes WorkflowExecutionSignaled Decide Complete");
  }

  private static WorkflowExecutionInfo untilListed(String query) {
    ListWorkflowExecutionsRequest request = new ListWorkflowExecutionsRequest().setDomain(Server.DOMAIN).setPageSize(10).setQuery(query);
    Scenario.until("one run is listed for " + query, () -> Server.SERVICE.ListWorkflowExecutions(request).getExecutions().size() == 1);
    return Server.SERVICE.ListWorkflowExecutions(request).getExecutions().get(0);
  }

  @Test
  void describeTellsOfAPendingActivityAndItsLastFailure(Scenario s) {
    CompletableFuture<byte[]> token = new CompletableFuture<>();
    s.activities((Contracts.Step) input -> {
      if (Activity.getTask().getAttempt() == 0) throw new IllegalStateException("first attempt");
      Activity.doNotCompleteOnReturn();
      token.complete(Activity.getTaskToken());
      return "";
    });
    var retries =
        new com.uber.cadence.common.RetryOptions.Builder().setInitialInterval(java.time.Duration.ofSeconds(1)).setMaximumAttempts(3).build();
    s.flow((self, input) -> Scenario.steps(o -> o.setRetryOptions(retries)).step(input)).work();
    WorkflowStub run = s.start("");
    token.join();
    var described = s.describe(run.getExecution());
    assertEquals(1, described.getPendingActivities().size());
    var pending = described.getPendingActivities().get(0);
    assertEquals(PendingActivityState.STARTED, pending.getState());
    assertEquals("step", pending.getActivityType().getName());
    assertEquals(1, pending.getAttempt());
    assertEquals("java.lang.IllegalStateException", pending.getLastFailureReason());
    assertEquals(60, described.getExecutionConfiguration().getExecutionStartToCloseTimeoutSeconds());
    s.client.newActivityCompletionClient().complete(token.join(), "done");
    assertEquals("done", result(run));
    assertTrue(s.describe(run.getExecution()).getPendingActivities().isEmpty());
  }

  @Test
  void aLongPollWaitsForTheCloseEvent(Scenario s) throws Exception {
    s.flow(waits()).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.DecisionTaskCompleted);
    var close =
        CompletableFuture.supplyAsync(
            () -> Scenario.historyPage(run.getExecution(), r -> r.setWaitForNewEvent(true).setHistoryEventFilterType(HistoryEventFilterType.CLOSE_EVENT)));
    assertFalse(close.isDone());
    run.signal("tell", "end");
    var events = close.get().getHistory().getEvents();
    assertEquals(List.of(EventType.WorkflowExecutionCompleted), events.stream().map(e -> e.getEventType()).toList());
  }

  @Test
  void aHistoryComesInPages(Scenario s) {
    s.flow(waits());
    WorkflowStub run = s.start("");
    for (int i = 0; i < 20; i++) run.signal("tell", String.valueOf(i));
    s.work();
    assertEquals("0", result(run));
    int seen = 0;
    int pages = 0;
    byte[] token = null;
    do {
      byte[] from = token;
      var page = Scenario.historyPage(run.getExecution(), r -> r.setMaximumPageSize(5).setNextPageToken(from));
      seen += page.getHistory().getEvents().size();
      pages++;
      token = page.getNextPageToken();
    } while (token != null && token.length > 0);
    assertEquals(Scenario.history(run.getExecution()).size(), seen);
    assertTrue(pages > 1, pages + " pages");
    only(Scenario.history(run.getExecution()), EventType.WorkflowExecutionCompleted);
  }
}
