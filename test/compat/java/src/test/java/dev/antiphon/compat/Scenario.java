package dev.antiphon.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.uber.cadence.DescribeWorkflowExecutionRequest;
import com.uber.cadence.DescribeWorkflowExecutionResponse;
import com.uber.cadence.EventType;
import com.uber.cadence.GetWorkflowExecutionHistoryRequest;
import com.uber.cadence.GetWorkflowExecutionHistoryResponse;
import com.uber.cadence.HistoryEvent;
import com.uber.cadence.HistoryEventFilterType;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.activity.ActivityOptions;
import com.uber.cadence.client.WorkflowClient;
import com.uber.cadence.client.WorkflowClientOptions;
import com.uber.cadence.client.WorkflowOptions;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.worker.Worker;
import com.uber.cadence.worker.WorkerFactory;
import com.uber.cadence.worker.WorkerFactoryOptions;
import com.uber.cadence.worker.WorkflowImplementationOptions;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** One test: a task list, the code registered for it, the workers that poll it, and the common assertions. JUnit makes it and closes it. */
final class Scenario implements ExtensionContext.Store.CloseableResource {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  final String taskList = "tl-" + UUID.randomUUID().toString().substring(0, 8);
  WorkflowClient client = client(WorkflowClientOptions.newBuilder());
  WorkflowImplementationOptions implementation = new WorkflowImplementationOptions.Builder().build();
  private final List<Consumer<Worker>> registrations = new ArrayList<>();
  private final List<WorkerFactory> factories = new ArrayList<>();

  static WorkflowClient client(WorkflowClientOptions.Builder options) {
    return WorkflowClient.newInstance(Server.SERVICE, options.setDomain(Server.DOMAIN).setIdentity("compat-java").build());
  }

  Scenario flow(Contracts.Code code) {
    registrations.add(w -> w.addWorkflowImplementationFactory(implementation, Contracts.Flow.class, () -> new Contracts.FlowOf(code)));
    return this;
  }

  /** New code for workers to come; those that run keep theirs. */
  Scenario replaceFlow(Contracts.Code code) {
    registrations.clear();
    return flow(code);
  }

  Scenario child(Contracts.Code code) {
    registrations.add(w -> w.addWorkflowImplementationFactory(implementation, Contracts.Child.class, () -> new Contracts.ChildOf(code)));
    return this;
  }

  /** Activities are registered together: a second registration of a worker replaces the first. */
  Scenario activities(Object... implementations) {
    registrations.add(w -> w.registerActivitiesImplementations(implementations));
    return this;
  }

  /** Starts a worker with everything registered so far; the result stops it early. */
  WorkerFactory work() {
    return work(options -> {});
  }

  WorkerFactory work(Consumer<WorkerFactoryOptions.Builder> adjust) {
    WorkerFactoryOptions.Builder options = WorkerFactoryOptions.newBuilder().setMaxWorkflowThreadCount(50).setStickyPollerCount(1);
    adjust.accept(options);
    WorkerFactory factory = newFactory(client, options.build());
    Worker worker = factory.newWorker(taskList);
    registrations.forEach(registration -> registration.accept(worker));
    factory.start();
    factories.add(factory);
    return factory;
  }

  /** One at a time: the client's first two, made at once, register one shutdown hook twice, which throws. */
  private static synchronized WorkerFactory newFactory(WorkflowClient client, WorkerFactoryOptions options) {
    return WorkerFactory.newInstance(client, options);
  }

  /** Stops workers and waits until none of their polls can take a task any more. */
  static void stop(WorkerFactory factory) {
    factory.shutdownNow();
    factory.awaitTermination(10, java.util.concurrent.TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    factories.forEach(WorkerFactory::shutdownNow);
  }

  WorkflowOptions options(Consumer<WorkflowOptions.Builder> adjust) {
    WorkflowOptions.Builder options =
        new WorkflowOptions.Builder()
            .setTaskList(taskList)
            .setWorkflowId("wf-" + UUID.randomUUID())
            .setExecutionStartToCloseTimeout(Duration.ofSeconds(60))
            .setTaskStartToCloseTimeout(Duration.ofSeconds(10));
    adjust.accept(options);
    return options.build();
  }

  WorkflowStub stub(Consumer<WorkflowOptions.Builder> adjust) {
    return client.newUntypedWorkflowStub("Flow", options(adjust));
  }

  WorkflowStub start(String input) {
    return start(input, options -> {});
  }

  WorkflowStub start(String input, Consumer<WorkflowOptions.Builder> adjust) {
    WorkflowStub stub = stub(adjust);
    stub.start(input);
    return stub;
  }

  /** A stub for a run that exists. */
  WorkflowStub existing(WorkflowExecution execution) {
    return client.newUntypedWorkflowStub(execution, Optional.of("Flow"));
  }

  static String result(WorkflowStub run) {
    try {
      return run.getResult(PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS, String.class);
    } catch (java.util.concurrent.TimeoutException e) {
      return fail("no result in " + PATIENCE + Sequence.names(history(run.getExecution())), e);
    }
  }

  static GetWorkflowExecutionHistoryResponse historyPage(WorkflowExecution run, Consumer<GetWorkflowExecutionHistoryRequest> adjust) {
    GetWorkflowExecutionHistoryRequest request =
        new GetWorkflowExecutionHistoryRequest()
            .setDomain(Server.DOMAIN)
            .setExecution(run)
            .setHistoryEventFilterType(HistoryEventFilterType.ALL_EVENT);
    adjust.accept(request);
    return Server.SERVICE.GetWorkflowExecutionHistory(request);
  }

  static List<HistoryEvent> history(WorkflowExecution run) {
    List<HistoryEvent> events = new ArrayList<>();
    byte[] token = null;
    do {
      byte[] from = token;
      GetWorkflowExecutionHistoryResponse page = historyPage(run, request -> request.setNextPageToken(from));
      events.addAll(page.getHistory().getEvents());
      token = page.getNextPageToken();
    } while (token != null && token.length > 0);
    for (int i = 0; i < events.size(); i++) assertEquals(i + 1, events.get(i).getEventId(), "event ids are dense");
    return events;
  }

  List<HistoryEvent> expectHistory(WorkflowStub run, String pattern) {
    return expectHistory(run.getExecution(), pattern);
  }

  List<HistoryEvent> expectHistory(WorkflowExecution run, String pattern) {
    List<HistoryEvent> events = history(run);
    assertTrue(Sequence.matches(pattern, events), () -> "want " + pattern + "\ngot" + Sequence.names(events));
    return events;
  }

  static List<HistoryEvent> ofType(List<HistoryEvent> events, EventType type) {
    return events.stream().filter(event -> event.getEventType() == type).collect(Collectors.toList());
  }

  static HistoryEvent only(List<HistoryEvent> events, EventType type) {
    List<HistoryEvent> found = ofType(events, type);
    assertEquals(1, found.size(), () -> type + " in" + Sequence.names(events));
    return found.get(0);
  }

  DescribeWorkflowExecutionResponse describe(WorkflowExecution run) {
    return Server.SERVICE.DescribeWorkflowExecution(new DescribeWorkflowExecutionRequest().setDomain(Server.DOMAIN).setExecution(run));
  }

  /** Polls a condition, so that scenarios never sleep for a guessed time. */
  static void until(String what, BooleanSupplier condition) {
    Instant end = Instant.now().plus(PATIENCE);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(end)) fail("timed out waiting until " + what);
      pause();
    }
  }

  List<HistoryEvent> untilEvent(WorkflowStub run, EventType type) {
    until(type + " is in the history", () -> !ofType(history(run.getExecution()), type).isEmpty());
    return history(run.getExecution());
  }

  static void pause() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Options of a plain activity, for use in workflow code. */
  static ActivityOptions activity(Consumer<ActivityOptions.Builder> adjust) {
    ActivityOptions.Builder options =
        new ActivityOptions.Builder().setScheduleToStartTimeout(Duration.ofSeconds(10)).setStartToCloseTimeout(Duration.ofSeconds(10));
    adjust.accept(options);
    return options.build();
  }

  static Contracts.Step steps() {
    return steps(options -> {});
  }

  static Contracts.Step steps(Consumer<ActivityOptions.Builder> adjust) {
    return Workflow.newActivityStub(Contracts.Step.class, activity(adjust));
  }

  /** Gives each test method that asks for one its scenario. */
  static final class Extension implements ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(Scenario.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == Scenario.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context.getStore(NAMESPACE).getOrComputeIfAbsent(Scenario.class);
    }
  }
}
