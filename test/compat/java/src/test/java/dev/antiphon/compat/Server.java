package dev.antiphon.compat;

import com.uber.cadence.ListOpenWorkflowExecutionsRequest;
import com.uber.cadence.CadenceError;
import com.uber.cadence.FeatureFlags;
import com.uber.cadence.RegisterDomainRequest;
import com.uber.cadence.StartTimeFilter;
import com.uber.cadence.serviceclient.ClientOptions;
import com.uber.cadence.serviceclient.IWorkflowService;
import com.uber.cadence.serviceclient.WorkflowServiceGrpc;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * What all scenarios share: one connection to the server at ANTIPHON_ADDRESS, and a domain of this run. Everything else belongs to one scenario, so that runs may
 * overlap and nothing needs cleaning up.
 */
final class Server {
  private static final String ADDRESS = System.getenv().getOrDefault("ANTIPHON_ADDRESS", "127.0.0.1:7833");

  /** Servers may cache domains for ten seconds, so a fresh domain is retried for longer than that. */
  private static final Duration DOMAIN_READY = Duration.ofSeconds(30);

  static final IWorkflowService SERVICE = connect(false);
  static final String DOMAIN = registerDomain();

  private Server() {}

  static IWorkflowService connect(boolean tellsCompletedFromUnknown) {
    int colon = ADDRESS.lastIndexOf(':');
    return new WorkflowServiceGrpc(
        ClientOptions.newBuilder()
            .setHost(ADDRESS.substring(0, colon))
            .setPort(Integer.parseInt(ADDRESS.substring(colon + 1)))
            .setFeatureFlags(new FeatureFlags().setWorkflowExecutionAlreadyCompletedErrorEnabled(tellsCompletedFromUnknown))
            .build());
  }

  /** True where lists by query are served; a server with basic visibility must refuse those. */
  static boolean hasAdvancedVisibility() {
    return "1".equals(System.getenv("ANTIPHON_COMPAT_ADVANCED_VISIBILITY"));
  }

  static RegisterDomainRequest domainRequest(String name) {
    return new RegisterDomainRequest()
        .setName(name)
        .setDescription("compatibility suite")
        .setOwnerEmail("compat@example.com")
        .setData(Map.of("suite", "java"))
        .setWorkflowExecutionRetentionPeriodInDays(1);
  }

  static StartTimeFilter sinceAnHour() {
    Instant now = Instant.now();
    return new StartTimeFilter()
        .setEarliestTime(now.minusSeconds(3600).toEpochMilli() * 1_000_000)
        .setLatestTime(now.plusSeconds(3600).toEpochMilli() * 1_000_000);
  }

  private static String registerDomain() {
    String name = "compat-java-" + UUID.randomUUID().toString().substring(0, 8);
    SERVICE.RegisterDomain(domainRequest(name));
    Instant end = Instant.now().plus(DOMAIN_READY);
    while (true) {
      try {
        SERVICE.ListOpenWorkflowExecutions(
            new ListOpenWorkflowExecutionsRequest().setDomain(name).setMaximumPageSize(1).setStartTimeFilter(sinceAnHour()));
        return name;
      } catch (CadenceError notYet) {
        if (Instant.now().isAfter(end)) throw notYet;
        Scenario.pause();
      }
    }
  }
}
