package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.result;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.uber.cadence.CadenceError;
import com.uber.cadence.CancellationAlreadyRequestedError;
import com.uber.cadence.DeprecateDomainRequest;
import com.uber.cadence.DescribeDomainRequest;
import com.uber.cadence.DescribeWorkflowExecutionRequest;
import com.uber.cadence.DomainAlreadyExistsError;
import com.uber.cadence.DomainConfiguration;
import com.uber.cadence.DomainStatus;
import com.uber.cadence.EntityNotExistsError;
import com.uber.cadence.EventType;
import com.uber.cadence.RequestCancelWorkflowExecutionRequest;
import com.uber.cadence.SignalWorkflowExecutionRequest;
import com.uber.cadence.StartWorkflowExecutionRequest;
import com.uber.cadence.TaskList;
import com.uber.cadence.UpdateDomainInfo;
import com.uber.cadence.UpdateDomainRequest;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.WorkflowExecutionAlreadyCompletedError;
import com.uber.cadence.WorkflowExecutionAlreadyStartedError;
import com.uber.cadence.WorkflowType;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.serviceclient.IWorkflowService;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The bare service: domains, and how errors arrive as the client's own types. */
@ExtendWith(Scenario.Extension.class)
class ServiceTest {
  private static StartWorkflowExecutionRequest startRequest(String workflowId, String requestId) {
    return new StartWorkflowExecutionRequest()
        .setDomain(Server.DOMAIN)
        .setWorkflowId(workflowId)
        .setRequestId(requestId)
        .setWorkflowType(new WorkflowType().setName("Flow"))
        .setTaskList(new TaskList().setName("nobody-polls"))
        .setExecutionStartToCloseTimeoutSeconds(10)
        .setTaskStartToCloseTimeoutSeconds(5);
  }

  private static SignalWorkflowExecutionRequest signalRequest(WorkflowExecution execution) {
    return new SignalWorkflowExecutionRequest()
        .setDomain(Server.DOMAIN)
        .setWorkflowExecution(execution)
        .setSignalName("tell")
        .setRequestId(UUID.randomUUID().toString());
  }

  @Test
  void theServerIsHealthy() throws Exception {
    assertTrue(Server.SERVICE.isHealthy().get());
    assertEquals("1.5.0", Server.SERVICE.GetClusterInfo().getSupportedClientVersions().getJavaSdk());
  }

  @Test
  void searchAttributesAreListed() {
    var keys = Server.SERVICE.GetSearchAttributes().getKeys();
    assertEquals("KEYWORD", keys.get("WorkflowID").name());
    assertEquals("INT", keys.get("CustomIntField").name());
  }

  @Test
  void aDomainIsRegisteredChangedAndDeprecated() {
    String name = "compat-java-domain-" + UUID.randomUUID().toString().substring(0, 8);
    Server.SERVICE.RegisterDomain(Server.domainRequest(name));
    assertThrows(DomainAlreadyExistsError.class, () -> Server.SERVICE.RegisterDomain(Server.domainRequest(name)));
    var registered = Server.SERVICE.DescribeDomain(new DescribeDomainRequest().setName(name));
    assertEquals(DomainStatus.REGISTERED, registered.getDomainInfo().getStatus());
    assertEquals(1, registered.getConfiguration().getWorkflowExecutionRetentionPeriodInDays());
    Server.SERVICE.UpdateDomain(
        new UpdateDomainRequest()
            .setName(name)
            .setSecurityToken("")
            .setUpdatedInfo(new UpdateDomainInfo().setDescription("changed").setOwnerEmail("new@example.com"))
            .setConfiguration(new DomainConfiguration().setWorkflowExecutionRetentionPeriodInDays(3)));
    var byId = Server.SERVICE.DescribeDomain(new DescribeDomainRequest().setUuid(registered.getDomainInfo().getUuid()));
    assertEquals("changed", byId.getDomainInfo().getDescription());
    assertEquals(Map.of("suite", "java"), byId.getDomainInfo().getData());
    assertEquals(3, byId.getConfiguration().getWorkflowExecutionRetentionPeriodInDays());
    Server.SERVICE.DeprecateDomain(new DeprecateDomainRequest().setName(name).setSecurityToken(""));
    assertEquals(DomainStatus.DEPRECATED, Server.SERVICE.DescribeDomain(new DescribeDomainRequest().setName(name)).getDomainInfo().getStatus());
  }

  @Test
  void unknownThingsDoNotExist() {
    WorkflowExecution unknown = new WorkflowExecution().setWorkflowId("wf-" + UUID.randomUUID());
    assertThrows(EntityNotExistsError.class, () -> Server.SERVICE.DescribeDomain(new DescribeDomainRequest().setName("no-such-domain")));
    assertThrows(
        EntityNotExistsError.class,
        () -> Server.SERVICE.DescribeWorkflowExecution(new DescribeWorkflowExecutionRequest().setDomain(Server.DOMAIN).setExecution(unknown)));
    assertThrows(
        EntityNotExistsError.class,
        () -> Server.SERVICE.SignalWorkflowExecution(signalRequest(unknown)));
  }

  @Test
  void aSecondStartIsRefusedAndARepeatedOneIsNot() {
    String id = "wf-" + UUID.randomUUID();
    String request = UUID.randomUUID().toString();
    String run = Server.SERVICE.StartWorkflowExecution(startRequest(id, request)).getRunId();
    assertEquals(run, Server.SERVICE.StartWorkflowExecution(startRequest(id, request)).getRunId());
    WorkflowExecutionAlreadyStartedError refused =
        assertThrows(
            WorkflowExecutionAlreadyStartedError.class, () -> Server.SERVICE.StartWorkflowExecution(startRequest(id, UUID.randomUUID().toString())));
    assertEquals(run, refused.getRunId());
    assertEquals(request, refused.getStartRequestId());
  }

  @Test
  void aSecondCancellationIsRefused() {
    String id = "wf-" + UUID.randomUUID();
    Server.SERVICE.StartWorkflowExecution(startRequest(id, UUID.randomUUID().toString()));
    RequestCancelWorkflowExecutionRequest cancel =
        new RequestCancelWorkflowExecutionRequest().setDomain(Server.DOMAIN).setWorkflowExecution(new WorkflowExecution().setWorkflowId(id));
    Server.SERVICE.RequestCancelWorkflowExecution(cancel.setRequestId(UUID.randomUUID().toString()));
    assertThrows(
        CancellationAlreadyRequestedError.class,
        () -> Server.SERVICE.RequestCancelWorkflowExecution(cancel.setRequestId(UUID.randomUUID().toString())));
  }

  @Test
  void aClosedRunIsToldFromAnUnknownOneByClientsThatAskForIt(Scenario s) {
    s.flow((self, input) -> "closed").work();
    WorkflowStub run = s.start("");
    assertEquals("closed", result(run));
    SignalWorkflowExecutionRequest signal = signalRequest(run.getExecution());
    IWorkflowService asking = Server.connect(true);
    try {
      assertThrows(WorkflowExecutionAlreadyCompletedError.class, () -> asking.SignalWorkflowExecution(signal));
    } finally {
      asking.close();
    }
  }

  @Test
  void badRequestsNameTheirFault() {
    StartWorkflowExecutionRequest request = startRequest("wf-" + UUID.randomUUID(), UUID.randomUUID().toString());
    CadenceError noTimeout =
        assertThrows(CadenceError.class, () -> Server.SERVICE.StartWorkflowExecution(request.setExecutionStartToCloseTimeoutSeconds(0)));
    assertTrue(noTimeout.getMessage().endsWith("A valid ExecutionStartToCloseTimeoutSeconds is not set on request."), noTimeout.getMessage());
    CadenceError badCron =
        assertThrows(
            CadenceError.class,
            () -> Server.SERVICE.StartWorkflowExecution(request.setExecutionStartToCloseTimeoutSeconds(10).setCronSchedule("every now and then")));
    assertTrue(badCron.getMessage().contains("INVALID_ARGUMENT"), badCron.getMessage());
  }

  @Test
  void bytesThatAreNotTextArriveUnchanged() {
    byte[] bytes = {0, (byte) 0xff, (byte) 0xc3, 0x28, 10};
    String id = "wf-" + UUID.randomUUID();
    String run = Server.SERVICE.StartWorkflowExecution(startRequest(id, UUID.randomUUID().toString()).setInput(bytes)).getRunId();
    var started = Scenario.history(new WorkflowExecution().setWorkflowId(id).setRunId(run)).get(0);
    assertEquals(EventType.WorkflowExecutionStarted, started.getEventType());
    assertArrayEquals(bytes, started.getWorkflowExecutionStartedEventAttributes().getInput());
  }
}
